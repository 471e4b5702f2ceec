import ProviumEvents

@testable import ProviumRuntime

/// A recipe that cannot build its fixture.
struct BrokenRecipe: FixtureRecipe {
  struct Failure: Error {}

  let name: String

  func prepare(in scope: MachineScope) throws -> PreparedFixture { throw Failure() }
}

extension Engine {
  /// An engine for tests that build no fixture.
  convenience init(configuration: Configuration, options: EngineOptions, sinks: [any EventSink]) throws {
    try self.init(
      configuration: configuration,
      options: options,
      sinks: sinks,
      recipe: { fixture, _ in BrokenRecipe(name: fixture.name) }
    )
  }
}
