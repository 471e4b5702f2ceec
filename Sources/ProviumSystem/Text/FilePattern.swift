import Glibc

/// Patterns as a shell has them for file names: `*`, `?`, `[a-z]` (fnmatch(3)).
package enum FilePattern {
  /// Whether the whole text matches. A `*` also matches `/`.
  package static func matches(_ pattern: String, _ text: String) -> Bool {
    !pattern.utf8.contains(0) && !text.utf8.contains(0) && fnmatch(pattern, text, 0) == 0
  }
}
