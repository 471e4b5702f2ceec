import Glibc

/// The process's environment variables.
package enum Environment {
  /// The value of `name`; nil when unset or empty. Bytes that are not UTF-8 are kept: see `PathText`.
  package static subscript(name: String) -> String? {
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    return PathText.decode(value)
  }
}
