package import ProviumEvents
import Synchronization

/// Keeps what a scope has reported, on the way to the run's events. When a scope is given up, its ledger ends what the scope
/// left open, and drops what it reports afterwards. Thread-safe.
package final class ScopeLedger: EventSink {
  private struct State {
    var isClosed = false
    /// Sub-tests that run, outermost first.
    var running: [(path: [String], location: ScriptLocation, since: Double)] = []
    var ended: [SubTestResult] = []
    var machines: Set<Int> = []
    var activity = "starting"
  }
  private let state = Mutex(State())
  private let target: EventStream

  init(_ target: EventStream) { self.target = target }

  package func receive(_ event: RunEvent, at time: Double) {
    state.withLock { state in
      guard !state.isClosed else { return }
      switch event {
      case .subTestStarted(_, let path, let location): state.running.append((path, location, time))
      case .subTestEnded(_, let result):
        state.running.removeAll { $0.path == result.path }
        state.ended.append(result)
      case .machineStarted(let machine): state.machines.insert(machine.id)
      case .machineEnded(let id, _): state.machines.remove(id)
      case .activity(_, let text): state.activity = text
      default: break
      }
      target.send(event)
    }
  }

  package func finish() {}

  /// What the scope does now, or did last.
  package var activity: String { state.withLock { $0.activity } }

  /// Ends everything that runs with this failure, and the ledger.
  /// - Returns: the results of all sub-tests.
  package func close(_ failure: Failure, file: String) -> [SubTestResult] {
    let time = target.now
    return state.withLock { state in
      state.isClosed = true
      for test in state.running.reversed() {
        var own = failure
        own.location = test.location
        let result = SubTestResult(
          path: test.path,
          outcome: .failed(own),
          duration: time - test.since,
          location: test.location
        )
        state.ended.append(result)
        target.send(.subTestEnded(file: file, result: result))
      }
      for machine in state.machines.sorted() {
        target.send(.machineEnded(id: machine, reason: "its file was given up"))
      }
      return state.ended
    }
  }
}
