/// The facts that one collector gathered from the VM of a failed test.
package struct FailureFacts: Sendable, Codable, Hashable {
  /// `kernel log of vm1 (default)`
  package var title: String
  package var lines: [String]

  package init(title: String, lines: [String]) {
    self.title = title
    self.lines = lines
  }
}
