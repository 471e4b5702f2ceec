/// A message that the protocol does not allow at this place, or that does not have the layout of its type.
package struct ProtocolViolation: Error, Hashable, Sendable, CustomStringConvertible {
  /// The sender: "worker 3 (pid 57)".
  package var sender: String
  package let code: MessageCode
  package let length: Int
  /// The kind of violation, with its article: "an unexpected", "a malformed".
  package let what: String

  package var description: String { "\(sender) sent \(what) message of type \(code) with \(length) bytes" }
}
