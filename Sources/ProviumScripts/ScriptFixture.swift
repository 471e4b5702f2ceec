package import ProviumEvents
package import ProviumRuntime
import ProviumSystem

/// A fixture that a Lua script prepares: the VM that the script created last, booted.
package struct ScriptFixture: FixtureRecipe {
  private let fixture: Fixture
  private let fixtures: FixtureService

  package init(_ fixture: Fixture, _ fixtures: FixtureService) {
    self.fixture = fixture
    self.fixtures = fixtures
  }

  package var name: String { fixture.name }

  package func prepare(in scope: MachineScope) throws -> PreparedFixture {
    let run = ScriptRun(
      path: fixture.source,
      root: scope.fixtureSearch.root,
      scope: scope,
      fixtures: fixtures
    )
    switch run.runScript() {
    case .passed: break
    case .failed(let failure):
      throw FixtureScriptFailure(
        description: ([failure.summary] + failure.console.map { "  \($0)" }).joined(separator: "\n"),
        failed: failure.kind
      )
    case .skipped(let reason), .todo(let reason):
      throw FixtureScriptFailure(description: "its script ended early: \(reason)", failed: .error)
    }
    guard let machine = scope.machines.all.last else { throw FixtureError.noMachine(name: name) }
    return PreparedFixture(machine: machine, inputs: inputs(of: run))
  }

  /// The script, the files that it loaded, and the paths at which there was none.
  private func inputs(of run: ScriptRun) -> [FixtureInput] {
    var inputs = [
      FixtureInput(
        kind: .source,
        name: "the script",
        location: fixture.source,
        value: SHA256.hex(run.loaded.first?.contents ?? [])
      )
    ]
    for script in run.loaded.dropFirst() {
      inputs.append(
        FixtureInput(
          kind: .loaded,
          name: script.displayPath,
          location: script.path,
          value: SHA256.hex(script.contents)
        )
      )
    }
    return inputs
      + run.absentScripts.map {
        FixtureInput(kind: .absent, name: Files.display($0), location: $0, value: "")
      }
  }
}

extension Engine {
  /// An engine whose fixtures are Lua scripts.
  package convenience init(configuration: Configuration, options: EngineOptions, sinks: [any EventSink])
    throws
  {
    try self.init(
      configuration: configuration,
      options: options,
      sinks: sinks,
      recipe: { ScriptFixture($0, $1) }
    )
  }
}
