import ProviumRuntime
import ProviumLua

/// What the functions that a script calls work on. Belongs to the script's thread.
final class ScriptContext {
  let scope: MachineScope
  let fixtures: FixtureService
  /// The types of the objects that the script holds.
  let types = ObjectTypes()

  init(scope: MachineScope, fixtures: FixtureService) {
    self.scope = scope
    self.fixtures = fixtures
  }

  var configuration: Configuration { scope.services.configuration }
}
