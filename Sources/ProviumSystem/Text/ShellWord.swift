/// Quoting of words for a POSIX shell.
package enum ShellWord {
  /// Returns text that a shell reads as this word: unchanged, or in single quotes if it has a special character
  /// or is empty.
  package static func quoted(_ word: String) -> String {
    let isPlain = word.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_./=:,@%+".contains($0)) }
    guard !isPlain || word.isEmpty else { return word }
    return "'\(word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''"))'"
  }

  /// Returns a command line of these words.
  package static func line(_ words: some Sequence<String>) -> String {
    words.map(quoted).joined(separator: " ")
  }
}
