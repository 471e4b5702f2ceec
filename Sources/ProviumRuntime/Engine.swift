package import ProviumEvents
import ProviumVM

/// Everything that the scopes of a process share: the services for VMs, and the fixtures. One owner; `close` ends it.
/// Thread-safe.
@dynamicMemberLookup
package final class Engine: Sendable {
  package let services: EngineServices
  package let fixtures: FixtureService

  /// Finds out what the host offers. Boots nothing.
  /// - Parameter recipe: makes the recipe of a fixture that was found.
  /// - Throws: `EngineError` if the host lacks what `options` ask for.
  package init(
    configuration: Configuration,
    options: EngineOptions,
    sinks: [any EventSink],
    recipe: @escaping FixtureService.RecipeMaker
  ) throws {
    services = try EngineServices(configuration: configuration, options: options, sinks: sinks)
    fixtures = FixtureService(
      store: FixtureStore(
        cache: configuration.settings.cache,
        maximum: configuration.settings.cacheMaximum,
        kernel: configuration.kernel
      ),
      isFresh: options.freshFixtures,
      recipe: recipe
    )
  }

  /// The members of `services`.
  package subscript<Value>(dynamicMember path: KeyPath<EngineServices, Value>) -> Value {
    services[keyPath: path]
  }

  /// Ends the warm VMs: after this, all reservations are released.
  package func endWarmVMs() { services.endWarmVMs() }

  /// Ends everything, and removes the run directory unless it is to be kept.
  package func close() { services.close() }
}
