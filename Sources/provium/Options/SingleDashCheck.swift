import ArgumentParser

/// Rejects words such as `-shard`. ArgumentParser reads it as -s -h -a -r -d, finds the help option among them, and ends with
/// the help and exit code 0: a run without tests that looks like a success.
enum SingleDashCheck {
  /// - Throws: `ValidationError` for the first word before `--` with one dash that is neither an option with its value (`-f=x`,
  ///   `-p4`) nor `-v` and `-q` together or repeated.
  static func check(_ arguments: [String]) throws {
    for argument in arguments.prefix(while: { $0 != "--" }) {
      let word = argument.utf8
      guard word.count > 2, argument.hasPrefix("-"), !argument.hasPrefix("--") else { continue }
      let rest = argument.dropFirst(2)
      if rest.hasPrefix("=") { continue }
      if argument.hasPrefix("-p"), rest.utf8.allSatisfy({ (0x30...0x39).contains($0) }) { continue }
      if argument.dropFirst().allSatisfy({ $0 == "v" || $0 == "q" }) { continue }
      throw ValidationError("unknown option '\(argument)'; a long option has two dashes: '-\(argument)'")
    }
  }
}
