import ProviumRuntime
import ProviumLua

/// The state that the functions of a script's bindings share. Belongs to the script's thread.
final class ScriptContext {
  let scope: MachineScope
  let fixtures: FixtureService
  let subTests: SubTestRunner
  /// The types of the objects that the script holds.
  let types = ObjectTypes()
  /// The checker of crash points that has the turn; nil: none.
  var checker: CrashChecker? {
    didSet {
      scope.context.onlyMachine = checker.map { ObjectIdentifier($0.machine) }
      subTests.capture = checker.map { checker in { checker.output += $0 } }
    }
  }

  init(scope: MachineScope, fixtures: FixtureService, subTests: SubTestRunner) {
    self.scope = scope
    self.fixtures = fixtures
    self.subTests = subTests
  }

  var configuration: Configuration { scope.services.configuration }
}
