package import ProviumJSON

/// The result of one sub-test that has ended.
package struct SubTestResult: Sendable, Hashable, JSONFlattened {
  /// Names from the outermost test inwards: `["outer", "inner"]`.
  package var path: [String]
  package var outcome: Outcome
  /// In seconds.
  package var duration: Double
  package var location: ScriptLocation
  /// The text that the test printed.
  @EmptyWhenAbsent package var output: String = ""
  @EmptyWhenAbsent package var tags: [String] = []
  /// Other values that the script gave as `meta`, as text.
  @EmptyWhenAbsent package var properties: [String: String] = [:]

  package init(path: [String], outcome: Outcome, duration: Double, location: ScriptLocation) {
    self.path = path
    self.outcome = outcome
    self.duration = duration
    self.location = location
  }
  /// `outer / inner`.
  package var name: String { path.joined(separator: " / ") }
}
