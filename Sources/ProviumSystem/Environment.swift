import Glibc

/// The process's environment variables.
package enum Environment {
  /// The value of `name`; nil when unset or empty.
  package static subscript(name: String) -> String? {
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    return String(cString: value)
  }
}
