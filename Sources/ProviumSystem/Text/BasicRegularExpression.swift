internal import Glibc

/// A POSIX basic regular expression, matched against bytes as `grep` does in the C locale.
///
/// GNU's operators `\|`, `\+`, `\?`, `\<`, `\>` and `\w` are known. A line feed in the pattern separates
/// alternatives, as in `grep`. Each byte is one character, so that text in any encoding can be searched.
package final class BasicRegularExpression {
  /// A pattern that does not compile.
  package struct Invalid: Error, CustomStringConvertible {
    package let description: String
  }

  /// The most bytes of a line that are searched: the kernel's own lines are shorter. A pattern with
  /// back-references can take time that grows exponentially with the line.
  package static let longestLine = 4096

  private var alternatives: [regex_t] = []

  /// - Throws: `Invalid`.
  package init(_ pattern: [UInt8]) throws {
    guard !pattern.contains(0) else { throw Invalid(description: "a NUL byte cannot be searched for") }
    let lines = pattern.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for line in lines { alternatives.append(try Self.compile(Array(line))) }
  }

  deinit { for index in alternatives.indices { regfree(&alternatives[index]) } }

  /// Whether some part of the line matches. A NUL byte does not end the line; `.` does not match it.
  package func matches(_ line: some Collection<UInt8>) -> Bool {
    let bytes = Array(line.prefix(Self.longestLine)) + [0]
    return bytes.withUnsafeBytes { buffer in
      guard let text = buffer.baseAddress?.assumingMemoryBound(to: CChar.self) else { return false }
      return alternatives.indices.contains { index in
        // regexec(3): with REG_STARTEND the text is what this range says, instead of up to the first NUL.
        var range = regmatch_t(rm_so: 0, rm_eo: regoff_t(buffer.count - 1))
        return regexec(&alternatives[index], text, 1, &range, REG_STARTEND) == 0
      }
    }
  }

  /// The lines of `text` that match, each with its line feed. Stops early, with what it has, once `isEnough`
  /// says so.
  package func matchingLines(of text: [UInt8], isEnough: () -> Bool = { false }) -> [UInt8] {
    let newline = UInt8(ascii: "\n")
    var result: [UInt8] = []
    var rest = text[...]
    while !rest.isEmpty, !isEnough() {
      let line = rest.prefix { $0 != newline }
      rest = rest.dropFirst(line.count + 1)
      if matches(line) { result += line + [newline] }
    }
    return result
  }

  private static func compile(_ pattern: [UInt8]) throws -> regex_t {
    var compiled = regex_t()
    let code = (pattern + [0]).withUnsafeBytes { buffer in
      regcomp(&compiled, buffer.assumingMemoryBound(to: CChar.self).baseAddress, 0)
    }
    guard code != 0 else { return compiled }
    var message = [CChar](repeating: 0, count: 256)
    let length = regerror(code, &compiled, &message, message.count)
    let text = message.prefix(max(0, min(length, message.count) - 1)).map { UInt8(bitPattern: $0) }
    throw Invalid(description: String(decoding: text, as: UTF8.self))
  }
}
