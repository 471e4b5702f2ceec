import Glibc
import ProviumSystem
import Testing

@testable import ProviumVM
@testable import ProviumRuntime

/// An engine with a folder of its own, and the manifest of a fixture that was never built.
private final class Bench {
  let path = "/tmp/provium-inspection-\(getpid())-\(UInt32.random(in: 0 ... .max))"
  let engine: Engine
  var manifest: FixtureManifest

  /// - Parameter shared: shared fixture folders, relative to the bench's folder.
  init(shared: [String] = []) throws {
    try Files.createDirectories("\(path)/tests/fixtures")
    var configuration = Configuration(root: path)
    for folder in shared { configuration.settings.fixtureFolders.append("\(path)/\(folder)") }
    configuration.settings.cache = "\(path)/cache"
    configuration.settings.warmVMs = 0
    var profile = Profile(name: "mine")
    profile.kernel = "/boot/one"
    profile.append = "quiet"
    configuration.profiles["mine"] = profile
    engine = try Engine(configuration: configuration, options: EngineOptions(), sinks: [])
    let host = engine.host
    manifest = FixtureManifest(
      name: "base",
      source: "\(path)/tests/fixtures/base.lua",
      root: "\(path)/tests",
      buildID: SHA256.hex([]),
      inputs: [],
      files: [],
      snapshot: Snapshot(
        folder: path,
        name: "base",
        isStream: false,
        conditions: try SnapshotConditions(
          qemu: "",
          accelerator: "",
          channel: "",
          architecture: .host,
          processor: "",
          arguments: ""
        ),
        configuration: MachineConfiguration(memory: .mebibytes(128)),
        diskFiles: [:],
        kernelRelease: nil
      ),
      profile: "mine",
      project: "",
      builtAt: 0,
      buildDuration: 0
    )
    manifest.snapshot.conditions = try manifest.snapshot.presentConditions(
      qemu: try host.qemu(for: .host),
      host: host
    )
  }
  deinit {
    engine.close()
    try? Files.removeTree(path)
  }

  var reason: String? {
    get throws {
      try StalenessCheck(store: engine.fixtures.store, services: engine.services).staleness(of: manifest)?
        .reason
    }
  }

  /// Publishes a fixture in the store.
  func build(_ script: String, _ change: (inout FixtureManifest) -> Void = { _ in }) throws -> FixtureManifest
  {
    var built = manifest
    built.source = script
    built.buildID = SHA256.hex(Array(script.utf8))
    let digest = try engine.digests.digest(script)
    built.inputs = [FixtureInput(kind: .source, name: "the script", location: script, value: digest)]
    change(&built)
    let store = engine.fixtures.store
    let place = store.place(of: Fixture(source: script))
    return try store.publish(built, from: try store.workplace(for: place), to: place)
  }

  /// Writes a file and makes it the only input.
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
  "Staleness of fixtures",
  .enabled(if: ToolRun.find("qemu-system-\(HostFacts.machine)") != nil, "QEMU is not installed")
)
struct StalenessTests {
  @Test("a fixture is current while none of its inputs has changed") func current() throws {
    let bench = try Bench()
    _ = try bench.add("kernel")
    #expect(try bench.reason == nil)
  }

  @Test("a fixture is stale when an input file changed, does not exist, or cannot be read") func files()
    throws
  {
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

  @Test("an input file with a new modification time and the same contents is no change") func touched() throws
  {
    let bench = try Bench()
    let kernel = try bench.add("kernel")
    utimes(kernel, nil)
    #expect(try bench.reason == nil)
  }

  @Test("a fixture is stale for another agent and another version") func versions() throws {
    let bench = try Bench()
    for name in ["the agent", "Provium"] {
      bench.manifest.inputs = [FixtureInput(kind: .value, name: name, value: "old")]
      let now = try #require(StalenessCheck.presentValues[name])
      #expect(try bench.reason == "\(name) was old, and is \(now)")
    }
  }

  @Test("a fixture is stale when a setting of its profile changed") func profile() throws {
    let bench = try Bench()
    bench.manifest.inputs = StalenessCheck.settings(ofProfile: "mine", of: bench.engine.services).map {
      FixtureInput(kind: .profile, name: $0.key, location: "mine", value: $0.value)
    }
    #expect(try bench.reason == nil)
    bench.manifest.inputs = [FixtureInput(kind: .profile, name: "append", location: "mine", value: "not set")]
    #expect(try bench.reason == "append of the profile mine was not set, and is quiet")
    bench.manifest.inputs = [FixtureInput(kind: .profile, name: "append", location: "gone", value: "quiet")]
    #expect(try bench.reason == "append of the profile gone was quiet, and is not there")
  }

  @Test("a fixture is stale for another QEMU, accelerator, channel or processor") func conditions() throws {
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

  @Test("a fixture is stale when its VM would have other QEMU arguments") func machine() throws {
    let bench = try Bench()
    bench.manifest.snapshot.configuration.memory = .mebibytes(256)
    #expect(try bench.reason?.hasPrefix("the digest of QEMU's arguments was ") == true)
  }

  @Test("a fixture is stale when a script appears that is found before the one it loaded") func shadowed()
    throws
  {
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

  @Test("a fixture is stale when its base is stale or was rebuilt") func base() throws {
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
    starts(from: low.buildID)
    #expect(try bench.reason == nil)
    try Files.write(Array("-- two".utf8), to: script)
    #expect(try bench.reason == prefix + "the script (\(Files.display(script))) changed")
  }

  @Test("a base is looked up from the fixture's own script, not from the test that uses it")
  func ownBase() throws {
    let bench = try Bench()
    let (outer, inner) = ("\(bench.path)/tests/fixtures/low.lua", "\(bench.path)/tests/net/fixtures/low.lua")
    try Files.createDirectories("\(bench.path)/tests/net/fixtures")
    for script in [outer, inner] { try Files.write(Array("-- \(script)".utf8), to: script) }
    let low = try bench.build(outer)
    bench.manifest.inputs = [FixtureInput(kind: .base, name: "low", location: outer, value: low.buildID)]
    #expect(try bench.reason == nil)
    // Its script moves to where the name means another one.
    bench.manifest.source = "\(bench.path)/tests/net/fixtures/base.lua"
    #expect(
      try bench.reason
        == "the fixture low, from which it starts, was \(Files.display(outer)), and is \(Files.display(inner))"
    )
  }

  @Test("a fixture is stale when its base's name means another script in a folder that is searched earlier")
  func earlierFolder() throws {
    let bench = try Bench(shared: ["shared", "more"])
    let shared = "\(bench.path)/shared/low.lua"
    try Files.createDirectories("\(bench.path)/more")
    try Files.createDirectories(Files.parent(of: shared))
    try Files.write(Array("-- shared".utf8), to: shared)
    let low = try bench.build(shared)
    bench.manifest.inputs = [
      FixtureInput(kind: .base, name: "low", location: shared, value: low.buildID)
    ]
    #expect(try bench.reason == nil)
    let own = "\(bench.path)/tests/fixtures/low.lua"
    try Files.write(Array("-- own".utf8), to: own)
    #expect(
      try bench.reason
        == "the fixture low, from which it starts, was \(Files.display(shared)), and is \(Files.display(own))"
    )
    // Another project does not know this one's folders, so it compares what was built.
    var check = StalenessCheck(store: bench.engine.fixtures.store, services: bench.engine.services)
    check.isOwnProject = false
    #expect(try check.staleness(of: bench.manifest) == nil)
    try Files.removeTree(own)
    #expect(try bench.reason == nil)
    try Files.write(Array("-- more".utf8), to: "\(bench.path)/more/low.lua")
    let error = #expect(throws: FixtureError.self) { try bench.reason }
    #expect(error?.description.contains("is ambiguous") == true)
  }

  @Test("a build that was copied is verified by its contents, and the manifest to keep knows the copy")
  func copied() throws {
    let bench = try Bench()
    let memory = "\(bench.path)/memory"
    try Files.write(Array("memory".utf8), to: memory)
    bench.manifest.files = [try BuildFile("memory", in: bench.path)]
    try Files.write(Array("memory".utf8), to: "\(bench.path)/copy")
    try Files.rename("\(bench.path)/copy", to: memory)
    let check = StalenessCheck(store: bench.engine.fixtures.store, services: bench.engine.services)
    guard case .current(let verified) = try check.verdict(of: bench.manifest) else {
      Issue.record("a copy is damage")
      return
    }
    #expect(verified.files != bench.manifest.files)
    #expect(verified.files == [try BuildFile("memory", in: bench.path)])
    bench.manifest = verified
    guard case .current(let again) = try check.verdict(of: verified) else { return }
    #expect(again == verified)
    try Files.write(Array("mem0ry".utf8), to: memory)
    #expect(try check.staleness(of: verified) == Staleness(reason: "memory was altered", isDamage: true))
  }

  @Test("fixtures that start from each other are an error, not an endless loop") func cycle() throws {
    let bench = try Bench()
    let script = "\(bench.path)/tests/fixtures/low.lua"
    try Files.write(Array("-- one".utf8), to: script)
    let low = try bench.build(script) { low in
      low.inputs = [FixtureInput(kind: .base, name: "low", location: script, value: low.buildID)]
    }
    bench.manifest.inputs = [FixtureInput(kind: .base, name: "low", location: script, value: low.buildID)]
    #expect(throws: FixtureError.self) { try bench.reason }
    #expect(
      StalenessCheck(store: bench.engine.fixtures.store, services: bench.engine.services).watchedPaths(
        of: low
      ) == [
        script
      ]
    )
  }
}
