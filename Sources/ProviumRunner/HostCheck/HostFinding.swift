/// The result of one check of the host.
package struct HostFinding: Sendable {
  package enum Grade: Sendable {
    case good
    /// Tests run, but not all of them, or slower.
    case limited
    /// No test can run.
    case bad
  }

  package let grade: Grade
  package let subject: String
  package let text: String
  /// A command or an advice that removes the problem.
  package let remedy: String?

  init(_ grade: Grade, _ subject: String, _ text: String, remedy: String? = nil) {
    self.grade = grade
    self.subject = subject
    self.text = text
    self.remedy = remedy
  }

  package var mark: String {
    switch grade {
    case .good: "✓"
    case .limited: "!"
    case .bad: "✗"
    }
  }
}
