/// A `test(name[, meta], fn)` in a script's source.
package struct ScannedTest: Sendable, Equatable {
  package enum Name: Sendable, Equatable {
    /// A literal name, with its ordinal if the parent has several tests of this name: `name #2`.
    case literal(String)
    /// A name that is computed when the script runs.
    case dynamic
  }
  /// The reason why the source shows that the test does not run in full.
  package enum Exemption: Sendable, Equatable {
    case skip(reason: String?)
    case todo(reason: String?)
  }
  package var name: Name
  /// The place of the word `test`: line from 1, column in bytes from 1.
  package var line: Int
  package var column: Int
  /// Whether it is inside an `if`, a loop, or a function other than a test's: it may not run, or run more
  /// than once. Also true after such a test of the same name, whose runs decide this one's ordinal.
  package var isConditional = false
  package var exemption: Exemption?
  package var tags: [String] = []
  /// Whether the tags, or the whole `meta`, are computed when the script runs: `tags` may be incomplete.
  package var hasComputedTags = false
  package var isSlow = false
  /// The `timeout` of `meta` as written: `5`, `500ms`.
  package var timeout: String?
  /// The tests inside its body.
  package var children: [ScannedTest] = []
}
