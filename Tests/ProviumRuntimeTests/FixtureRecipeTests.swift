import Glibc
import ProviumAgentClient
import ProviumSystem
import ProviumVM
import Synchronization
import Testing

@testable import ProviumRuntime

/// A fixture that Swift sets up: it has no script, only a file in the place of one.
private struct SwiftRecipe: FixtureRecipe {
  let name: String
  let content: String
  let builds: Counter

  final class Counter: Sendable {
    let count = Atomic(0)
  }

  func prepare(in scope: MachineScope) throws -> PreparedFixture {
    builds.count.add(1, ordering: .relaxed)
    let machine = scope.machines.add(profile: try scope.services.configuration.profile("default"))
    try machine.boot(MachineConfiguration(memory: .mebibytes(128)))
    _ = try machine.perform("exec", allowance: .zero) { [content] session, deadline in
      try session.exec(ByteString("echo \(content) > /tmp/recipe"), until: deadline)
    }
    return PreparedFixture(
      machine: machine,
      inputs: [FixtureInput(kind: .absent, name: "other", location: "/nonexistent/\(name)", value: "")]
    )
  }
}

@Suite(
  "Fixtures without scripts",
  .enabled(if: getenv("PROVIUM_TEST_NO_VM") == nil, "PROVIUM_TEST_NO_VM is set"),
  .serialized,
  .timeLimit(.minutes(15))
)
struct FixtureRecipeTests {
  private final class Bench {
    let path = "/tmp/provium-recipe-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    let builds = SwiftRecipe.Counter()
    let engine: Engine

    init(_ recipe: @escaping @Sendable (Fixture, SwiftRecipe.Counter) -> any FixtureRecipe) throws {
      try Files.createDirectories("\(path)/fixtures")
      try Files.createDirectories("\(path)/cache")
      for folder in ["kernels", "vmlinux", "userland"] {
        guard symlink("\(Settings.defaultCache)/\(folder)", "\(path)/cache/\(folder)") == 0 else {
          throw SystemError("link", folder)
        }
      }
      try Files.write([], to: "\(path)/fixtures/base.lua")
      var configuration = Configuration(root: path, path: "\(path)/provium.toml")
      configuration.settings.cache = "\(path)/cache"
      configuration.settings.warmVMs = 0
      engine = try Engine(
        configuration: configuration,
        options: EngineOptions(),
        sinks: [],
        recipe: { [builds] fixture, _ in recipe(fixture, builds) }
      )
    }
    deinit {
      engine.close()
      try? Files.removeTree(path)
    }

    func scope(_ number: Int) -> MachineScope {
      MachineScope(
        ScopeControl(name: "test \(number)", owner: number, services: engine.services),
        fixtureSearch: FixtureSearch(folder: path, root: path)
      )
    }
  }

  @Test("a recipe in Swift builds a fixture once, and each scope resumes a VM of its own") func builds()
    throws
  {
    let bench = try Bench { SwiftRecipe(name: $0.name, content: "from-swift", builds: $1) }
    for number in 1...2 {
      let scope = bench.scope(number)
      defer { scope.end() }
      let machine = try bench.engine.fixtures.resume("base", in: scope)
      let result = try machine.perform("exec", allowance: .zero) {
        try $0.exec("cat /tmp/recipe; echo changed > /tmp/recipe", until: $1)
      }
      #expect(String(decoding: result.standardOutput.bytes, as: UTF8.self) == "from-swift\n")
      #expect(scope.usedFixtures.map(\.name) == ["base"])
    }
    #expect(bench.builds.count.load(ordering: .relaxed) == 1)
    // The inputs are those of the recipe and of its VM.
    let store = bench.engine.fixtures.store
    let manifest = try #require(
      store.manifest(at: store.place(of: Fixture(source: "\(bench.path)/fixtures/base.lua")))
    )
    #expect(Set(manifest.inputs.map(\.kind)) == [.absent, .file, .profile, .value])
    #expect(manifest.inputs.contains { $0.kind == .file && $0.name == "kernel" })
  }

  @Test("a recipe that leaves no running VM, or fails, builds nothing and says why") func failures() throws {
    struct Ended: FixtureRecipe {
      let name: String
      func prepare(in scope: MachineScope) throws -> PreparedFixture {
        let machine = scope.machines.add(profile: try scope.services.configuration.profile("default"))
        return PreparedFixture(machine: machine, inputs: [])
      }
    }
    let ended = try Bench { fixture, _ in Ended(name: fixture.name) }
    let scope = ended.scope(1)
    defer { scope.end() }
    let error = #expect(throws: (any Error).self) { try ended.engine.fixtures.resume("base", in: scope) }
    let text = error.map { "\($0)" } ?? ""
    #expect(text.contains("its machine is created at the end of the script"), "\(text)")
    let broken = try Bench { fixture, _ in BrokenRecipe(name: fixture.name) }
    let other = broken.scope(1)
    defer { other.end() }
    #expect(throws: (any Error).self) { try broken.engine.fixtures.resume("base", in: other) }
    #expect(try Files.list("\(broken.path)/cache/fixtures").allSatisfy { $0.hasSuffix(".lock") })
  }
}
