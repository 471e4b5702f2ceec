import ProviumEvents
import Synchronization

/// What a session tells, on its way to the run's events. Who gives the session up learns here what it left undone; what it
/// says after that is not heard.
final class SessionLedger: EventSink {
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

  func receive(_ event: RunEvent, at time: Double) {
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

  func finish() {}

  /// What the session is doing now, or was doing last.
  var activity: String { state.withLock { $0.activity } }

  /// Ends everything that runs, with this failure, and the ledger. Gives the sub-tests' results.
  func close(_ failure: Failure, file: String, at time: Double) -> [SubTestResult] {
    state.withLock { state in
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
