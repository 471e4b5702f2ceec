package import ProviumSystem

/// The reason why an operation on a guest gave no result. An error number that the guest's kernel returns
/// from a raw system call is a result, and none of these.
package enum GuestError: Error, Sendable, CustomStringConvertible {
  /// The guest refused the operation. `message` says what was being done, to what, and names the errno.
  case refused(Errno, message: String)
  /// The operation took too long and was ended. The connection can be used again.
  case timedOut(String)
  /// The operation took too long and could not be ended. The connection is unusable.
  case unresponsive(String)
  /// That process of the agent, or the connection to it, is gone. When the VM itself has ended, its own cause
  /// is thrown instead.
  case lost(GuestPeer, String)
  /// The guest broke the protocol. The connection is unusable.
  case violation(ProtocolViolation)
  /// The agent in the guest speaks another version of the protocol, or is another build.
  case incompatible(String)
  /// The guest sent more than the operation accepts. The operation was ended.
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
