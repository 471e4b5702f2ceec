import ArgumentParser
import ProviumEvents
import ProviumReports

/// The reports to write, and their files.
struct ReportPaths: ParsableArguments {
  @Option(help: ArgumentHelp("Write a JUnit report; - is standard output.", valueName: "file"))
  var junit: String?
  @Option(help: ArgumentHelp("Write a TAP report; - is standard output.", valueName: "file"))
  var tap: String?
  @Option(help: ArgumentHelp("Write all events as JSON lines; - is standard output.", valueName: "file"))
  var json: String?
  @Option(help: ArgumentHelp("Write one self-contained HTML page.", valueName: "file"))
  var html: String?
  @Option(
    name: .customLong("report"),
    help: ArgumentHelp(
      "Write a report in a format (\(ReportFormats.standard.names.joined(separator: ", "))). Repeatable.",
      valueName: "format=file"
    )
  )
  var others: [String] = []

  func requests() throws -> [ReportRequest] {
    let formats = ReportFormats.standard
    let named = [("junit", junit), ("tap", tap), ("html", html), ("json", json)]
    return try named.compactMap { name, path in try path.map { try formats.request(name, path: $0) } }
      + others.map { try formats.request($0) }
  }

  /// Whether no report was asked for.
  var isEmpty: Bool { [junit, tap, json, html].allSatisfy { $0 == nil } && others.isEmpty }

  /// Whether a report takes standard output.
  var takesOutput: Bool { (try? requests().contains(where: \.takesOutput)) ?? false }

  func validate() throws {
    let requests: [ReportRequest]
    do { requests = try self.requests() } catch { throw ValidationError("\(error)") }
    guard requests.count(where: \.takesOutput) <= 1 else {
      throw ValidationError("only one report can go to standard output")
    }
  }

  /// Makes the sinks of the reports. Each path is proven writable before anything runs.
  func sinks() throws -> [any EventSink] { try requests().map { try $0.sink() } }
}
