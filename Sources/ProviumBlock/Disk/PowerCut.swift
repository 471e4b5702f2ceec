/// The result of a power cut, in numbers of changes that no flush had made durable.
package struct PowerCut: Sendable, Hashable {
  /// Changes that are gone.
  package var lost = 0
  /// Changes that were kept, of which `torn` in part.
  package var kept = 0
  package var torn = 0

  package init(lost: Int = 0, kept: Int = 0, torn: Int = 0) {
    self.lost = lost
    self.kept = kept
    self.torn = torn
  }

  /// The changes were too many to be remembered one by one, so that no subset of them can be kept.
  package struct TooManyChanges: Error, CustomStringConvertible {
    let limit: Int
    package var description: String {
      "the unflushed writes exceed the log's limit of \(limit) bytes: no subset of them can survive; "
        + "raise the limit (log), or cut the power without survive"
    }
  }
}
