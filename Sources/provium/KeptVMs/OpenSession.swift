import ProviumRunner
import ProviumRuntime
import ProviumSystem
import ProviumVM

/// A kept VM and the settings that its copies run with. The VM is not removed while the session exists.
struct OpenSession {
  let failure: KeptFailure
  let hold: FailureStore.Hold
  let configuration: Configuration
  private let options: EngineOptions

  /// - Parameter failure: as `FailureStore.find` returned it, or its state at the start.
  init(_ failure: KeptFailure, _ hold: FailureStore.Hold, _ configuration: Configuration) throws {
    self.failure = failure
    self.hold = hold
    self.configuration = configuration
    options = try Self.options(for: failure)
  }

  /// The kept VMs of the project's cache.
  static func store(_ configuration: Configuration? = nil) throws -> FailureStore {
    let settings = try (configuration ?? ConfigurationFile.find()).settings
    return FailureStore(cache: settings.cache, maximum: settings.keptMaximum)
  }

  /// The options of the host that the VM ran with. What the host lacks is refused by name.
  private static func options(for failure: KeptFailure) throws -> EngineOptions {
    var options = try EngineOptions.fromEnvironment()
    options.keptFailures = 0
    if failure.snapshot.conditions.accelerator == "tcg" { options.accelerator = .tcg }
    if failure.snapshot.secret == nil { options.channel = .serial }
    return options
  }

  /// Returns a new engine, which the caller closes.
  func engine(_ activity: ActivityLine? = nil) throws -> Engine {
    try Engine(configuration: configuration, options: options, sinks: activity.map { [$0] } ?? [])
  }

  /// Runs `body` with a stopped copy, and ends the copy.
  func withCopy<Value>(_ body: (OpenedFailure) throws -> Value) throws -> Value {
    let engine = try engine()
    defer { engine.close() }
    let copy = try OpenedFailure(failure, hold, engine: engine)
    defer { copy.close() }
    return try body(copy)
  }

  /// Throws `KeptFailureError.dead` for a VM without an agent: no shell and no script can use it.
  func requireAgent() throws {
    guard failure.condition == .running else {
      throw KeptFailureError.dead(id: failure.id, reason: failure.reasonOfDeath)
    }
  }

  /// Prints the test and its failure to standard error.
  func printSummary() {
    Console.error("provium: \(failure.test)")
    Console.error("provium: \(failure.message.split(separator: "\n").first.map(String.init) ?? "")")
  }
}
