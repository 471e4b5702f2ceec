package import ProviumEvents
import Synchronization

/// Keeps the last result of each file of a run. Thread-safe.
package final class ResultCollector: EventSink {
  private struct State {
    var order: [String] = []
    var results: [String: FileResult] = [:]
  }
  private let state = Mutex(State())

  package init() {}

  package func receive(_ event: RunEvent, at time: Double) {
    guard case .fileEnded(let result) = event else { return }
    state.withLock { state in
      if state.results.updateValue(result, forKey: result.file) == nil { state.order.append(result.file) }
    }
  }

  package func finish() {}

  /// In the order in which the files ended first.
  package var results: [FileResult] {
    state.withLock { state in state.order.compactMap { state.results[$0] } }
  }
}
