package import ProviumEvents
import ProviumVM
import Synchronization

/// Everything that the scopes of a process share: the services for VMs, and the fixtures. One owner; `close` ends it.
/// Thread-safe.
@dynamicMemberLookup
package final class Engine: Sendable {
  package let services: EngineServices
  package let fixtures: FixtureService
  private let recipe: FixtureService.RecipeMaker
  /// The engines of other kernels, by the kernel's name.
  private let others = Mutex<[String: Engine]>([:])

  /// Finds out what the host offers. Boots nothing.
  /// - Parameter recipe: makes the recipe of a fixture that was found.
  /// - Throws: `EngineError` if the host lacks what `options` ask for.
  package convenience init(
    configuration: Configuration,
    options: EngineOptions,
    sinks: [any EventSink],
    recipe: @escaping FixtureService.RecipeMaker
  ) throws {
    self.init(
      try EngineServices(configuration: configuration, options: options, sinks: sinks),
      recipe: recipe
    )
  }

  private init(_ services: EngineServices, recipe: @escaping FixtureService.RecipeMaker) {
    self.services = services
    self.recipe = recipe
    let configuration = services.configuration
    fixtures = FixtureService(
      store: FixtureStore(
        cache: configuration.settings.cache,
        maximum: configuration.settings.cacheMaximum,
        kernel: configuration.kernel
      ),
      isFresh: services.options.freshFixtures,
      recipe: recipe
    )
  }

  /// Returns the engine whose profiles boot `kernel` where they name none. It has fixtures of its own, and shares the resource
  /// pool, the warm VMs, the events and the run directory with this one, which owns it. Idempotent.
  package func booting(_ kernel: String) -> Engine {
    guard kernel != services.configuration.kernel else { return self }
    return others.withLock { others in
      if let known = others[kernel] { return known }
      let engine = Engine(EngineServices(services, kernel: kernel), recipe: recipe)
      others[kernel] = engine
      return engine
    }
  }

  /// The members of `services`.
  package subscript<Value>(dynamicMember path: KeyPath<EngineServices, Value>) -> Value {
    services[keyPath: path]
  }

  /// Makes the next use of each fixture check its inputs again, on all kernels.
  package func recheckFixtures() { allFixtures.forEach { $0.recheck() } }

  /// Forgets builds of fixtures that failed by an infrastructure error, on all kernels.
  package func forgetFixtureFaults() { allFixtures.forEach { $0.forgetFaults() } }

  private var allFixtures: [FixtureService] { [fixtures] + others.withLock { $0.values.map(\.fixtures) } }

  /// Ends the warm VMs: after this, all reservations are released.
  package func endWarmVMs() { services.endWarmVMs() }

  /// Ends everything, and removes the run directory unless it is to be kept.
  package func close() { services.close() }
}
