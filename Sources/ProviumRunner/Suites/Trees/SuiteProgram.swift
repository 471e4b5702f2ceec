import ProviumSystem

/// One program of a suite.
struct SuiteProgram: Sendable, Hashable {
  /// The group of programs that it belongs to: a folder of an install tree (`timers`, `net/forwarding`), or a runtest file of LTP.
  let collection: String
  /// Its name in the collection.
  let name: String
  /// The name that no other program of the suite has: `timers:posix_timers`, `syscalls:abort01`, `generic/001`.
  let key: String
  /// The command line that its collection gives; nil: the program is the file `name` of the collection.
  var command: String?
  /// Groups besides its collection, by which it is selected.
  var groups: [String] = []

  /// - Parameter separator: between collection and name in `key`.
  init(collection: String, name: String, separator: String = ":") {
    self.collection = collection
    self.name = name
    key = "\(collection)\(separator)\(name)"
  }
}

/// A collection, a program or a pattern that a user names: `timers`, `net:tls`, `net:tcp_*`.
struct ProgramPattern: Sendable, Hashable {
  let text: String

  /// Whether it names the program: by its collection, by its key, or as a pattern of either (fnmatch(3)).
  func matches(_ program: SuiteProgram) -> Bool {
    text == program.collection || text == program.key || FilePattern.matches(text, program.key)
      || FilePattern.matches(text, program.collection)
  }
}
