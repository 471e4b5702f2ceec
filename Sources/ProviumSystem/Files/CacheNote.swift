/// A small file in the cache that keeps the result of a measurement or a digest:
///
///     KEY
///     LINE        one or more lines of the result
///
/// The key says what the result was made from. A note with another key is not used.
package struct CacheNote: Sendable {
  private let path: String
  private let key: String

  /// - Parameters:
  ///   - path: the note's file. Its folder need not exist.
  ///   - key: one line. A note whose key contains a line end is never found again.
  package init(_ path: String, key: String) {
    self.path = path
    self.key = key
  }

  /// The lines of the result; nil when there is no note, or one with another key.
  package var lines: [String]? {
    guard let text = try? Files.readText(path) else { return nil }
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    // A note that was cut short has no line end after its last line; `write` never leaves one.
    guard lines.count >= 3, lines.popLast()?.isEmpty == true, lines.removeFirst() == key else { return nil }
    return lines
  }

  /// The result, where it is one line; nil when there is no such note.
  package var value: String? {
    guard let lines, lines.count == 1 else { return nil }
    return lines.first
  }

  /// Replaces the note. Failures are ignored: without the note the result is made again.
  package func write(_ lines: [String]) {
    try? Files.createDirectories(Files.parent(of: path))
    try? Files.replace(path, with: Array(([key] + lines).map { "\($0)\n" }.joined().utf8))
  }

  /// Replaces the note with a result of one line.
  package func write(_ value: String) { write([value]) }
}
