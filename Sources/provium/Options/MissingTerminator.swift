import ArgumentParser
import ProviumSystem

/// Explains arguments that would be right with `--` before the command: `provium run uname -a`.
enum MissingTerminator {
  /// Returns the error that shows where `--` belongs; nil if there is no such place.
  ///
  /// The parser decides: the place is before the first word with which the arguments parse. So the value of an
  /// option is not taken for the command, and a mistyped option remains the error.
  /// - Parameters:
  ///   - arguments: those of the process, which do not parse.
  ///   - parses: whether arguments parse.
  static func error(in arguments: [String], parses: ([String]) -> Bool) -> ValidationError? {
    guard !arguments.contains("--") else { return nil }
    for place in arguments.indices.dropFirst() where !arguments[place].hasPrefix("-") {
      let options = Array(arguments[..<place])
      let command = arguments[place...]
      guard parses(options + ["--"] + command) else { continue }
      return ValidationError(
        "the command follows '--': provium \(ShellWord.line(options)) -- \(ShellWord.line(command))"
      )
    }
    return nil
  }
}
