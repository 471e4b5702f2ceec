package import ProviumEvents
import ProviumSystem

/// The formats that reports can be asked for in.
package struct ReportFormats: Sendable {
  package let all: [any ReportFormat]

  package init(_ all: [any ReportFormat]) { self.all = all }

  /// The formats of this version of Provium.
  package static let standard = ReportFormats([
    JUnitFormat(), TAPFormat(), EventLinesFormat(), HTMLFormat(), GitHubFormat(),
  ])

  /// `junit`, `tap`, …
  package var names: [String] { all.map(\.name) }

  /// Reads `NAME=FILE`.
  /// - Throws: `ReportError` for a name that no format has, and for a missing file.
  package func request(_ text: String) throws(ReportError) -> ReportRequest {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, !parts[1].isEmpty else {
      throw ReportError(
        "cannot write the report '\(text)': give a format and a file, such as junit=report.xml"
      )
    }
    return try request(parts[0], path: parts[1])
  }

  /// A report in the format `name`, to be written to `path`; `-` is standard output.
  /// - Throws: `ReportError` for a name that no format has.
  package func request(_ name: String, path: String) throws(ReportError) -> ReportRequest {
    guard let format = all.first(where: { $0.name == name }) else {
      let hint = NearestName.hint(for: name, among: names)
      throw ReportError(
        "cannot write a report in the format '\(name)'\(hint); the formats are \(names.joined(separator: ", "))"
      )
    }
    return ReportRequest(format: format, path: path)
  }
}

/// One report that a run was asked for.
package struct ReportRequest: Sendable {
  package let format: any ReportFormat
  /// `-` for standard output.
  package let path: String

  /// Whether the report takes standard output. What the terminal shows then goes to standard error.
  package var takesOutput: Bool { path == ReportDestination.standardOutput }

  /// Proves that the report can be written, and makes the sink that writes it.
  /// - Throws: `ReportError`.
  package func sink() throws -> any EventSink {
    try format.sink(to: ReportDestination(path, report: format.title))
  }
}
