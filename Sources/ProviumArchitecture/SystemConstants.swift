/// Constants for raw system calls: `O_*`, `AT_*`, `S_*`, `MAP_*` and others. Some differ between architectures.
package enum SystemConstants {
  /// The value of a constant; nil when that architecture has no such constant.
  package static func value(_ name: String, _ architecture: Architecture) -> Int64? {
    architecture.constants().numbers[name]
  }

  /// All constants of an architecture by name.
  package static func all(_ architecture: Architecture) -> [String: Int64] {
    architecture.constants().numbers
  }
}
