/// A test with a literal name at every level, and the names that lead to it.
package struct ListedTest: Sendable, Equatable {
  /// From the outermost inwards.
  package let path: [String]
  package let test: ScannedTest
  /// The test's own tags and those of the tests around it.
  package let tags: [String]

  /// `outer / inner`.
  package var name: String { path.joined(separator: " / ") }
}
