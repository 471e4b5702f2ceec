/// A QMP command that failed.
package enum QMPError: Error, Sendable, CustomStringConvertible {
  case refused(command: String, reason: String)
  case timedOut(command: String)
  /// A job that a command had started failed. `job` completes "QEMU could not …".
  case jobFailed(_ job: String, reason: String?)
  case jobTimedOut(_ job: String)
  /// A reply lacks what its command promises.
  case incomplete(command: String, missing: String)

  package var description: String {
    switch self {
    case .refused(let command, let reason): "QEMU refused \(command): \(reason)"
    case .timedOut(let command): "QEMU did not answer \(command) in time"
    case .jobFailed(let job, let reason): "QEMU could not \(job)\(reason.map { ": \($0)" } ?? "")"
    case .jobTimedOut(let job): "QEMU did not \(job) in time"
    case .incomplete(let command, let missing): "QEMU's reply to \(command) has no \(missing)"
    }
  }
}
