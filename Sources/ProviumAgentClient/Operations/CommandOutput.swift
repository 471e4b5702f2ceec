/// The bytes that a command wrote to one of its output streams.
public struct CommandOutput: Hashable, Sendable, CustomStringConvertible {
  /// All bytes, in their order.
  public let bytes: [UInt8]

  package init(_ bytes: [UInt8] = []) { self.bytes = bytes }

  /// The output as text. Bytes that are not UTF-8 become U+FFFD.
  public var text: String { String(decoding: bytes, as: UTF8.self) }

  /// The lines of the text, without their line ends.
  public var lines: [String] {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    if lines.last?.isEmpty == true { lines.removeLast() }
    return lines
  }

  /// The output as text.
  public var description: String { text }
}
