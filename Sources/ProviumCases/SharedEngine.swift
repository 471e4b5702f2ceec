package import ProviumRuntime
import Synchronization

/// The one engine of a test process: made when the first selected test needs it, never by listing.
package enum SharedEngine {
  private static let made: Result<Engine, EngineUnavailable> = {
    do {
      let configuration = try TestCatalogue.shared.configuration ?? ConfigurationFile.find()
      return .success(try Engine(configuration: configuration, options: .fromEnvironment(), sinks: []))
    } catch {
      return .failure(EngineUnavailable(reason: "\(error)"))
    }
  }()
  private static let number = Atomic<Int>(0)

  package static var engine: Engine? { try? made.get() }
  /// Why there is no engine.
  package static var complaint: String {
    if case .failure(let error) = made { error.reason } else { "" }
  }
  /// Scripts that run at once: as many as `provium test` would run files.
  package static let admission: Admission = {
    var run = RunOptions()
    // A value that means nothing is told by the engine, in every test.
    if let options = try? EngineOptions.fromEnvironment() {
      run.parallel = options.parallel
      run.budget = options.budget
    }
    return Admission(width: run.width(for: .max))
  }()

  /// A number for each run, by which the resource pool tells files apart.
  package static func nextNumber() -> Int { number.add(1, ordering: .relaxed).newValue }
}

/// What stands in the way of all tests that need a machine.
struct EngineUnavailable: Error {
  let reason: String
}
