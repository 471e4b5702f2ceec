extension String {
  /// Returns the text with `other` in the place of `prefix`; unchanged if it does not begin with `prefix`.
  package func replacingPrefix(_ prefix: String, with other: String) -> String {
    hasPrefix(prefix) ? other + dropFirst(prefix.count) : self
  }
}
