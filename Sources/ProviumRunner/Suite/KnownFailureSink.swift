package import ProviumEvents
import Synchronization

/// Applies known failures to events on their way to other sinks. Thread-safe.
package final class KnownFailureSink: EventSink {
  private let known: KnownFailures
  private let sinks: [any EventSink]
  /// The sub-tests that failed by themselves, by file.
  private let failed = Mutex<[String: [[String]]]>([:])

  package init(_ known: KnownFailures, before sinks: [any EventSink]) {
    self.known = known
    self.sinks = sinks
  }

  package func receive(_ event: RunEvent, at time: Double) {
    let event = changed(event)
    for sink in sinks { sink.receive(event, at: time) }
  }

  package func finish() throws {
    var first: (any Error)?
    for sink in sinks {
      do { try sink.finish() } catch { first = first ?? error }
    }
    if let first { throw first }
  }

  private func changed(_ event: RunEvent) -> RunEvent {
    switch event {
    case .fileStarted(let file, _):
      failed.withLock { $0[file] = nil }
      return event
    case .subTestEnded(let file, let result):
      return .subTestEnded(file: file, result: changed(result, of: file))
    case .fileEnded(let result):
      failed.withLock { $0[result.file] = nil }
      return .fileEnded(known.applied(to: result))
    default: return event
    }
  }

  /// A sub-test ends after those inside it, so that their failures are known by then.
  private func changed(_ result: SubTestResult, of file: String) -> SubTestResult {
    var result = result
    result.outcome = known.applied(to: result.outcome, named: "\(file) / \(result.name)")
    guard let failure = result.outcome.failure else { return result }
    failed.withLock { failed in
      if failure.kind != .inner {
        failed[file, default: []].append(result.path)
      } else if !(failed[file] ?? []).contains(where: { $0.starts(with: result.path) }) {
        result.outcome = .passed
      }
    }
    return result
  }
}
