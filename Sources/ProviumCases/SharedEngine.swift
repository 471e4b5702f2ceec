import Glibc
import ProviumEvents
package import ProviumRuntime
import Synchronization

/// The one engine of a test process: made when the first selected test needs it, never by listing.
package enum SharedEngine {
  private static let made: Result<Engine, EngineUnavailable> = {
    do {
      let configuration = try TestCatalogue.shared.configuration ?? ConfigurationFile.find()
      let engine = try Engine(
        configuration: configuration,
        options: .fromEnvironment(),
        sinks: [WarningSink()]
      )
      Diagnostics.say(engine.summary)
      // No other code runs after the last test: warm VMs and the run's directory end with the process.
      atexit { SharedEngine.engine?.close() }
      return .success(engine)
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
  package static let admission = Admission(width: width)
  /// Tests in Swift with a machine that run at once: as many. Not the scripts' own: a runner that limits its cases could
  /// give all of them to tests that wait for scripts, which wait for cases.
  package static let machineAdmission = Admission(width: width)

  private static let width: Int = {
    var run = RunOptions()
    // A value that means nothing is told by the engine, in every test.
    if let options = try? EngineOptions.fromEnvironment() {
      run.parallel = options.parallel
      run.budget = options.budget
    }
    return run.width(for: .max)
  }()

  /// A number for each run, by which the resource pool tells files apart.
  package static func nextNumber() -> Int { number.add(1, ordering: .relaxed).newValue }
}

/// Remarks that concern all files: a test runner has no place for them.
private final class WarningSink: EventSink {
  func receive(_ event: RunEvent, at time: Double) {
    if case .warning(_, let text) = event { Diagnostics.say("warning: \(text)") }
  }
  func finish() {}
}

extension Engine {
  /// One line: `QEMU 7.2.22 · tcg: /dev/kvm does not run guest code · virtio-serial · time limits × 4.1`.
  fileprivate var summary: String {
    var parts = [
      "QEMU \(qemuVersion ?? "not installed")", accelerator.description,
      channel.kind.rawValue,
    ]
    if timeScale > 1 { parts.append("time limits × \((timeScale * 10).rounded() / 10)") }
    return parts.joined(separator: " · ")
  }
}

/// What stands in the way of all tests that need a machine.
struct EngineUnavailable: Error {
  let reason: String
}
