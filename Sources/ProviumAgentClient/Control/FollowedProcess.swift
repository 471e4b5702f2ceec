import ProviumSystem
import Synchronization

/// A process of the agent that has a connection: it runs until its own GONE has come. A later process with
/// the same number or pid is another `FollowedProcess`.
final class FollowedProcess: Sendable {
  let target: UInt32
  let pid: Int32
  /// Raised when the process has ended.
  let alarm: EventDescriptor
  private let reportedEnd = Mutex<ProcessEnd?>(nil)

  init(target: UInt32, pid: Int32) throws {
    self.target = target
    self.pid = pid
    alarm = try EventDescriptor()
  }

  /// How the process ended; nil while no end has been reported.
  var end: ProcessEnd? { reportedEnd.withLock { $0 } }

  /// Whether an end is the end of this process. Of workers the pid must be equal too. There is one main
  /// agent, whose pid becomes known later, and which is never started again.
  func isEnded(by end: ProcessEnd) -> Bool { end.target == target && (target == 0 || end.pid == pid) }

  func take(_ end: ProcessEnd) {
    reportedEnd.withLock { $0 = end }
    alarm.raise()
  }
}
