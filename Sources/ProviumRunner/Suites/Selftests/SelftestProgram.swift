import ProviumSystem

/// One program of an install tree of the kernel's selftests.
struct SelftestProgram: Sendable, Hashable {
  /// A folder of the tree: `timers`, `net/forwarding`.
  let collection: String
  /// The program's file in that folder.
  let name: String

  /// `timers:posix_timers`, as `run_kselftest.sh -t` takes it.
  var key: String { "\(collection):\(name)" }
}

/// A collection, a program or a pattern that a user names: `timers`, `net:tls`, `net:tcp_*`.
struct SelftestPattern: Sendable, Hashable {
  let text: String

  /// Whether it names the program: by its collection, by its key, or as a pattern of either (fnmatch(3)).
  func matches(_ program: SelftestProgram) -> Bool {
    text == program.collection || text == program.key || FilePattern.matches(text, program.key)
      || FilePattern.matches(text, program.collection)
  }
}
