/// The results that a program in the guest printed, and how the program ended.
public struct ProgramResults: Sendable, Hashable {
  /// The result of one test of the program.
  public struct Test: Sendable, Hashable {
    /// How the test ended.
    public enum Outcome: Sendable, Hashable {
      case passed
      case failed(message: String)
      case skipped(reason: String)
      /// The program says that the test is expected to fail (`# TODO`, `# XFAIL`).
      case todo(reason: String)
    }

    /// Names from the outermost test of the program to this one.
    public let path: [String]
    /// How the test ended.
    public let outcome: Outcome
    /// The text that the program printed before the result and that belongs to it.
    public let output: String

    /// The whole name: `outer / inner`.
    public var name: String { path.joined(separator: " / ") }
  }

  /// In the order in which the program printed them, inner tests before the test around them.
  public internal(set) var tests: [Test] = []
  /// As a shell reports it: 128 + n for a program that signal n ended, 124 for one that reached its time limit.
  public internal(set) var exitCode: Int32 = 0
  /// The program ended well, no test failed, and no test that it planned is missing.
  public internal(set) var isSuccess = false
}
