import Glibc
import ProviumSystem
import Testing

@testable import ProviumMachine
@testable import ProviumRuntime

/// An engine over a folder of its own, and the manifest of a fixture that no machine ever was.
private final class Bench {
  let path = "/tmp/provium-inspection-\(getpid())-\(UInt32.random(in: 0 ... .max))"
  let engine: Engine
  let session: FileSession
  var manifest: FixtureManifest

  init() throws {
    try Files.createDirectories("\(path)/tests/fixtures")
    var configuration = Configuration(root: path)
    configuration.settings.cache = "\(path)/cache"
    configuration.settings.spares = 0
    var profile = Profile(name: "mine")
    profile.kernel = "/boot/one"
    profile.append = "quiet"
    configuration.profiles["mine"] = profile
    engine = try Engine(configuration: configuration, options: EngineOptions(), sinks: [])
    session = FileSession(
      file: TestFile(name: "a.lua", path: "\(path)/tests/a.lua", root: "\(path)/tests"),
      owner: 1,
      engine: engine,
      selection: TestSelection(),
      timeout: .seconds(1)
    )
    let host = try engine.host()
    manifest = FixtureManifest(
      name: "base",
      source: "\(path)/tests/fixtures/base.lua",
      key: SHA256.hex([]),
      inputs: [],
      files: [],
      snapshot: Snapshot(
        folder: path,
        name: "base",
        isStream: false,
        conditions: .now(qemu: try host.qemu(for: HostFacts.machine), host: host),
        memory: 128 << 20,
        cpus: 1,
        disks: [],
        kernelRelease: nil
      ),
      profile: "mine",
      project: "",
      builtAt: 0,
      buildDuration: 0
    )
  }
  deinit {
    engine.close()
    try? Files.removeTree(path)
  }

  var reason: String? {
    get throws {
      try FixtureInspection(store: engine.fixtures.store, session: session).staleness(of: manifest)?.reason
    }
  }

  /// A file that went in, as it is now.
  func add(_ name: String, _ kind: FixtureInput.Kind = .file) throws -> String {
    let file = "\(path)/\(name)"
    try Files.write(Array("before".utf8), to: file)
    manifest.inputs = [
      FixtureInput(kind: kind, name: "the \(name)", location: file, value: try engine.digests.digest(file))
    ]
    return file
  }
}

@Suite(
  "A kept fixture is compared with the present",
  .enabled(if: ToolRun.find("qemu-system-\(HostFacts.machine)") != nil, "QEMU is not installed")
)
struct FixtureInspectionTests {
  @Test("and is current while nothing changed") func current() throws {
    let bench = try Bench()
    _ = try bench.add("kernel")
    #expect(try bench.reason == nil)
  }

  @Test("by the contents of files: changed, gone, or not to be read") func files() throws {
    let bench = try Bench()
    let kernel = try bench.add("kernel")
    try Files.write(Array("behind".utf8), to: kernel)
    #expect(try bench.reason == "the kernel (\(TestFile.display(kernel))) changed")
    try Files.removeTree(kernel)
    #expect(try bench.reason == "the kernel (\(TestFile.display(kernel))) is gone")
    try Files.createDirectories(kernel)
    #expect(
      try bench.reason?.hasPrefix("the kernel (\(TestFile.display(kernel))) cannot be read any more") == true
    )
  }

  @Test("by content alone: a file that was only touched is no change") func touched() throws {
    let bench = try Bench()
    let kernel = try bench.add("kernel")
    utimes(kernel, nil)
    #expect(try bench.reason == nil)
  }

  @Test("by agent and version") func versions() throws {
    let bench = try Bench()
    for name in ["the agent", "Provium"] {
      bench.manifest.inputs = [FixtureInput(kind: .value, name: name, value: "old")]
      let now = try #require(FixtureInput.presentValues[name])
      #expect(try bench.reason == "\(name) was old, and is \(now)")
    }
  }

  @Test("by what its profile says") func profile() throws {
    let bench = try Bench()
    bench.manifest.inputs = FixtureInput.profileValues("mine", of: bench.engine).map {
      FixtureInput(kind: .profile, name: $0.key, location: "mine", value: $0.value)
    }
    #expect(try bench.reason == nil)
    bench.manifest.inputs = [FixtureInput(kind: .profile, name: "append", location: "mine", value: "not set")]
    #expect(try bench.reason == "append of the profile mine was not set, and is quiet")
    bench.manifest.inputs = [FixtureInput(kind: .profile, name: "append", location: "gone", value: "quiet")]
    #expect(try bench.reason == "append of the profile gone was quiet, and is not there")
  }

  @Test("by QEMU, accelerator, channel and processor") func conditions() throws {
    let bench = try Bench()
    let now = bench.manifest.snapshot.conditions
    let changes: [(WritableKeyPath<SnapshotConditions, String>, String)] = [
      (\.qemu, "QEMU"), (\.accelerator, "the accelerator"), (\.channel, "the channel"),
      (\.processor, "the processor"),
    ]
    for (path, name) in changes {
      bench.manifest.snapshot.conditions = now
      bench.manifest.snapshot.conditions[keyPath: path] = "other"
      #expect(try bench.reason == "\(name) was other, and is \(now[keyPath: path])")
    }
  }

  @Test("by the fixture that it starts from") func base() throws {
    let bench = try Bench()
    let script = "\(bench.path)/tests/fixtures/low.lua"
    try Files.write(Array("-- one".utf8), to: script)
    bench.manifest.inputs = [FixtureInput(kind: .base, name: "fixture low", location: "low", value: "key")]
    let prefix = "the fixture low, from which it starts, would be built again: "
    #expect(try bench.reason == prefix + "it is not there")
    var low = bench.manifest
    low.key = SHA256.hex([1])
    low.inputs = [
      FixtureInput(
        kind: .source,
        name: "the script",
        location: script,
        value: try bench.engine.digests.digest(script)
      )
    ]
    let store = bench.engine.fixtures.store
    let place = store.place(name: "low", source: script)
    low = try store.publish(low, from: try store.workplace(for: place), to: place)
    #expect(try bench.reason == "the fixture low, from which it starts, was built again")
    bench.manifest.inputs = [FixtureInput(kind: .base, name: "fixture low", location: "low", value: low.key)]
    #expect(try bench.reason == nil)
    try Files.write(Array("-- two".utf8), to: script)
    #expect(try bench.reason == prefix + "the script (\(TestFile.display(script))) changed")
  }
}
