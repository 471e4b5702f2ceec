import Glibc
import ProviumEvents
package import ProviumRuntime
import ProviumScripts
import Synchronization

/// The engine of a test process. Created when the first selected case needs it, never by listing cases.
package enum SharedEngine {
  private static let made: Result<Engine, ProviumError> = {
    do {
      let configuration = try TestCatalogue.shared.configuration ?? ConfigurationFile.find()
      let engine = try Engine(
        configuration: configuration,
        options: .fromEnvironment(),
        sinks: [WarningSink()]
      )
      Diagnostics.say(engine.services.summary)
      // No callback follows the last test: warm VMs and the run directory are removed at the end of the process.
      atexit { SharedEngine.engine?.close() }
      return .success(engine)
    } catch {
      return .failure(ProviumError(.init(error), XMLText.clean("\(error)"), cause: error))
    }
  }()
  private static let number = Atomic<Int>(0)

  package static var engine: Engine? { try? made.get() }
  /// Returns the engine.
  /// - Throws: why there is none: an error in the configuration or the environment, or a host without what they ask for.
  package static func required() throws(ProviumError) -> Engine { try made.get() }
  /// Why there is no engine.
  package static var complaint: String {
    if case .failure(let error) = made { error.message } else { "" }
  }
  /// Limits the scripts that run at once to the number of files that `provium test` would run.
  package static let admission = Admission(width: width)
  /// Limits the Swift tests with a VM that run at once, to the same number. A limit of its own: a test runner that limits its
  /// cases could otherwise fill it with tests that wait for scripts, while the scripts wait for cases.
  package static let machineAdmission = Admission(width: width)

  private static let width: Int = {
    var run = RunOptions()
    // An invalid value is reported by the engine, in every test.
    if let options = try? EngineOptions.fromEnvironment() {
      run.parallel = options.parallel
      run.budget = options.budget
    }
    return run.width(for: .max)
  }()

  /// Returns a new number, by which the resource pool tells files apart.
  package static func nextNumber() -> Int { number.add(1, ordering: .relaxed).newValue }
}

/// Writes warnings to standard error: they belong to no test.
private final class WarningSink: EventSink {
  func receive(_ event: RunEvent, at time: Double) {
    if case .warning(_, let text) = event { Diagnostics.say("warning: \(text)") }
  }
  func finish() {}
}

extension EngineServices {
  /// One line: `QEMU 7.2.22 · tcg: /dev/kvm does not run guest code · virtio-serial · time limits × 4.1`.
  fileprivate var summary: String {
    var parts = [
      "QEMU \(qemuVersion ?? "not installed")", accelerator.description,
      channel.kind.rawValue,
    ]
    if timeoutMultiplier > 1 { parts.append("time limits × \((timeoutMultiplier * 10).rounded() / 10)") }
    return parts.joined(separator: " · ")
  }
}
