import ArgumentParser
import ProviumEvents
import ProviumReports

/// The files that reports are written to.
struct ReportPaths: ParsableArguments {
  @Option(help: ArgumentHelp("Write a JUnit report; - is standard output.", valueName: "file"))
  var junit: String?
  @Option(help: ArgumentHelp("Write a TAP 14 report; - is standard output.", valueName: "file"))
  var tap: String?
  @Option(help: ArgumentHelp("Write all events as JSON lines; - is standard output.", valueName: "file"))
  var json: String?
  @Option(help: ArgumentHelp("Write one self-contained HTML page.", valueName: "file"))
  var html: String?

  private var paths: [String] { [junit, tap, json, html].compactMap { $0 } }

  /// No report was asked for.
  var isEmpty: Bool { paths.isEmpty }

  /// A report is written to standard output.
  var takesOutput: Bool { paths.contains("-") }

  func validate() throws {
    guard paths.count(where: { $0 == "-" }) <= 1 else {
      throw ValidationError("only one report can go to standard output")
    }
  }

  /// Opens the reports that were asked for. A path that cannot be written is an error before anything runs.
  func sinks() throws -> [any EventSink] {
    var sinks: [any EventSink] = []
    if let junit { sinks.append(try RecordedReport.junit(path: junit)) }
    if let tap { sinks.append(try RecordedReport.tap(path: tap)) }
    if let html { sinks.append(try RecordedReport.html(path: html)) }
    if let json { sinks.append(try EventLinesReport(path: json)) }
    return sinks
  }
}
