package import ProviumEvents

/// An output format that a run is reported in. Adding a format is adding a folder with an implementation, and
/// a line in `ReportFormats.standard`.
package protocol ReportFormat: Sendable {
  /// The format's name on the command line: `--report NAME=FILE`.
  var name: String { get }
  /// The format's name in messages: `the JUnit report`.
  var title: String { get }
  /// Makes the sink that writes one run to `destination`.
  /// - Throws: `ReportError` for a destination that the format cannot use.
  func sink(to destination: ReportDestination) throws -> any EventSink
}
