package import ProviumSystem

/// Why an operation on a guest gave no result. What the guest's kernel answers to a system call is none of these.
package enum GuestError: Error, Sendable, CustomStringConvertible {
  /// The guest said no. `message` says what was being done, to what, and names the errno.
  case refused(Errno, message: String)
  /// The operation took too long and was ended; the connection goes on.
  case timedOut(String)
  /// The operation took too long and could not be ended; the connection is unusable.
  case unresponsive(String)
  /// That process of the agent, or the connection to it, is gone. A machine's own cause of death is thrown as it is
  /// instead.
  case lost(GuestPeer, String)
  /// What came is against the protocol; the connection is unusable.
  case violation(ProtocolViolation)
  /// The agent in the guest is of another protocol version, or another build.
  case incompatible(String)
  /// More came than the operation accepts; it was ended.
  case tooLarge(String)
  /// Two threads used one connection at the same time.
  case inUse(String)

  package var description: String {
    switch self {
    case .refused(_, let message), .timedOut(let message), .unresponsive(let message), .lost(_, let message),
      .incompatible(let message), .tooLarge(let message), .inUse(let message):
      message
    case .violation(let violation): violation.description
    }
  }
}

/// A message that should not have come, or not like this.
package struct ProtocolViolation: Error, Hashable, Sendable, CustomStringConvertible {
  /// Who sent it: "worker 3 (pid 57)".
  package var sender: String
  package let code: MessageCode
  package let length: Int
  /// "unexpected", "malformed".
  package let what: String

  package var description: String { "\(sender) sent \(what) message of type \(code) with \(length) bytes" }
}
