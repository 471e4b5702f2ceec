/// Names of system calls and their numbers, which differ between architectures.
package enum SyscallName {
  /// The number of a call; nil when that architecture has no such call.
  package static func number(_ name: String, _ architecture: Architecture) -> UInt32? {
    architecture.syscalls().numbers[name].flatMap { UInt32(exactly: $0) }
  }

  /// The name of a call; nil for a number that is not known.
  package static func name(_ number: UInt32, _ architecture: Architecture) -> String? {
    architecture.syscalls().name(Int64(number))
  }

  /// All names, sorted: for the suggestion of the nearest one.
  package static func all(_ architecture: Architecture) -> [String] {
    architecture.syscalls().numbers.keys.sorted()
  }
}
