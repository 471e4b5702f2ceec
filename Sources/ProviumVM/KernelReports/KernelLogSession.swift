import ProviumAgentClient
import Synchronization

/// The state of one connection's kernel log that is followed for reports. Thread-safe.
final class KernelLogSession: Sendable {
  typealias Receiver = @Sendable (KernelLogBatch) -> Void

  private struct State {
    var isFollowed = false
    /// The barrier that the guest has not answered in time.
    var overdue: UInt32?
    var receiver: Receiver?
  }
  private let state = Mutex(State())

  var isFollowed: Bool {
    get { state.withLock { $0.isFollowed } }
    set { state.withLock { $0.isFollowed = newValue } }
  }

  var overdue: UInt32? {
    get { state.withLock { $0.overdue } }
    set { state.withLock { $0.overdue = newValue } }
  }

  /// Receives the log besides the search for reports.
  var receiver: Receiver? {
    get { state.withLock { $0.receiver } }
    set { state.withLock { $0.receiver = newValue } }
  }
}
