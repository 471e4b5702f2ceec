import Glibc
import ProviumSystem
import Testing

@testable import ProviumVM
@testable import ProviumRuntime

/// An engine over a folder of its own, and the manifest of a fixture that no machine ever was.
private final class Bench {
  let path = "/tmp/provium-inspection-\(getpid())-\(UInt32.random(in: 0 ... .max))"
  let engine: Engine
  var manifest: FixtureManifest

  init() throws {
    try Files.createDirectories("\(path)/tests/fixtures")
    var configuration = Configuration(root: path)
    configuration.settings.cache = "\(path)/cache"
    configuration.settings.warmVMs = 0
    var profile = Profile(name: "mine")
    profile.kernel = "/boot/one"
    profile.append = "quiet"
    configuration.profiles["mine"] = profile
    engine = try Engine(configuration: configuration, options: EngineOptions(), sinks: [])
    let host = try engine.host()
    manifest = FixtureManifest(
      name: "base",
      source: "\(path)/tests/fixtures/base.lua",
      root: "\(path)/tests",
      key: SHA256.hex([]),
      inputs: [],
      files: [],
      snapshot: Snapshot(
        folder: path,
        name: "base",
        isStream: false,
        conditions: SnapshotConditions(
          qemu: "",
          accelerator: "",
          channel: "",
          architecture: HostFacts.machine,
          processor: "",
          arguments: ""
        ),
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
    manifest.snapshot.conditions = try manifest.snapshot.presentConditions(
      qemu: try host.qemu(for: HostFacts.machine),
      host: host
    )
  }
  deinit {
    engine.close()
    try? Files.removeTree(path)
  }

  var reason: String? {
    get throws {
      try FixtureInspection(store: engine.fixtures.store, engine: engine).staleness(of: manifest)?.reason
    }
  }

  /// A fixture in the store.
  func build(_ script: String, _ change: (inout FixtureManifest) -> Void = { _ in }) throws -> FixtureManifest
  {
    var built = manifest
    built.source = script
    built.key = SHA256.hex(Array(script.utf8))
    let digest = try engine.digests.digest(script)
    built.inputs = [FixtureInput(kind: .source, name: "the script", location: script, value: digest)]
    change(&built)
    let store = engine.fixtures.store
    let place = store.place(of: LocatedFixture(source: script))
    return try store.publish(built, from: try store.workplace(for: place), to: place)
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
    #expect(try bench.reason == "the kernel (\(Files.display(kernel))) changed")
    try Files.removeTree(kernel)
    #expect(try bench.reason == "the kernel (\(Files.display(kernel))) is gone")
    try Files.createDirectories(kernel)
    #expect(
      try bench.reason?.hasPrefix("the kernel (\(Files.display(kernel))) cannot be read any more") == true
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
      (\.processor, "the processor"), (\.arguments, "the digest of QEMU's arguments"),
    ]
    for (path, name) in changes {
      bench.manifest.snapshot.conditions = now
      bench.manifest.snapshot.conditions[keyPath: path] = "other"
      #expect(try bench.reason == "\(name) was other, and is \(now[keyPath: path])")
    }
  }

  @Test("by its machine: one with more memory is another") func machine() throws {
    let bench = try Bench()
    bench.manifest.snapshot.memory *= 2
    #expect(try bench.reason?.hasPrefix("the digest of QEMU's arguments was ") == true)
  }

  @Test("by a script that is found before the one that was loaded") func shadowed() throws {
    let bench = try Bench()
    let path = "\(bench.path)/tests/lib.lua"
    bench.manifest.inputs = [FixtureInput(kind: .absent, name: "lib", location: path, value: "")]
    #expect(try bench.reason == nil)
    try Files.createDirectories(path)
    #expect(try bench.reason == nil, "a folder is not loaded")
    try Files.removeTree(path)
    try Files.write([], to: path)
    #expect(try bench.reason == "\(Files.display(path)) is there now, and is loaded first")
  }

  @Test("by the fixture that it starts from") func base() throws {
    let bench = try Bench()
    let script = "\(bench.path)/tests/fixtures/low.lua"
    try Files.write(Array("-- one".utf8), to: script)
    func starts(from key: String) {
      bench.manifest.inputs = [FixtureInput(kind: .base, name: "low", location: script, value: key)]
    }
    starts(from: "key")
    let prefix = "the fixture low, from which it starts, would be built again: "
    #expect(try bench.reason == prefix + "it is not there")
    let low = try bench.build(script)
    #expect(try bench.reason == "the fixture low, from which it starts, was built again")
    starts(from: low.key)
    #expect(try bench.reason == nil)
    try Files.write(Array("-- two".utf8), to: script)
    #expect(try bench.reason == prefix + "the script (\(Files.display(script))) changed")
  }

  @Test("by the fixture that its own script means, whatever the asking file means by that name")
  func ownBase() throws {
    let bench = try Bench()
    let (outer, inner) = ("\(bench.path)/tests/fixtures/low.lua", "\(bench.path)/tests/net/fixtures/low.lua")
    try Files.createDirectories("\(bench.path)/tests/net/fixtures")
    for script in [outer, inner] { try Files.write(Array("-- \(script)".utf8), to: script) }
    let low = try bench.build(outer)
    bench.manifest.inputs = [FixtureInput(kind: .base, name: "low", location: outer, value: low.key)]
    #expect(try bench.reason == nil)
    // Its script moves to where the name means another one.
    bench.manifest.source = "\(bench.path)/tests/net/fixtures/base.lua"
    #expect(
      try bench.reason
        == "the fixture low, from which it starts, was \(Files.display(outer)), and is \(Files.display(inner))"
    )
  }

  @Test("and fixtures that start from each other are named, not followed for ever") func circle() throws {
    let bench = try Bench()
    let script = "\(bench.path)/tests/fixtures/low.lua"
    try Files.write(Array("-- one".utf8), to: script)
    let low = try bench.build(script) { low in
      low.inputs = [FixtureInput(kind: .base, name: "low", location: script, value: low.key)]
    }
    bench.manifest.inputs = [FixtureInput(kind: .base, name: "low", location: script, value: low.key)]
    #expect(throws: FixtureError.self) { try bench.reason }
    #expect(
      FixtureInspection(store: bench.engine.fixtures.store, engine: bench.engine).sources(of: low) == [script]
    )
  }
}
