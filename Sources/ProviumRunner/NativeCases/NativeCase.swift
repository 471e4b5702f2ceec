/// A test as a test runner (Swift Testing, XCTest) lists it: a sub-test that reading the source shows, or a script.
package struct NativeCase: Sendable {
  /// The part of a test file that a case runs.
  package enum Subject: Hashable, Sendable {
    /// The names from the outermost sub-test inwards.
    case subTest([String])
    /// Everything outside sub-tests, and the sub-tests that only running the file reveals.
    case script
  }

  package let subject: Subject
  /// The whole name (`outer / inner`), safe for the JUnit file of the test runner.
  package let safeName: String
  package let line: Int
  package let column: Int
  /// Why the source says that the sub-test, or one around it, is skipped. Its body does not run.
  package let disabled: String?
}
