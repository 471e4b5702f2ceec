/// A word of a shell's command line.
enum ShellWord {
  /// The word in single quotes, so that the shell takes it as it is.
  static func quoted(_ word: String) -> String {
    "'\(word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''"))'"
  }
}
