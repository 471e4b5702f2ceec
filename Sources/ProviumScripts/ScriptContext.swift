import ProviumRuntime
import ProviumLua

/// The state that the functions of a script's bindings share. Belongs to the script's thread.
final class ScriptContext {
  let scope: MachineScope
  let fixtures: FixtureService
  let subTests: SubTestRunner
  /// The types of the objects that the script holds.
  let types = ObjectTypes()

  init(scope: MachineScope, fixtures: FixtureService, subTests: SubTestRunner) {
    self.scope = scope
    self.fixtures = fixtures
    self.subTests = subTests
  }

  var configuration: Configuration { scope.services.configuration }
}
