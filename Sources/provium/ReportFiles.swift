import ArgumentParser
import ProviumEvents
import ProviumReports
import ProviumRuntime

/// Where reports go.
struct ReportPaths: ParsableArguments {
  @Option(help: ArgumentHelp("Write a JUnit report; - is standard output.", valueName: "file"))
  var junit: String?
  @Option(help: ArgumentHelp("Write a TAP 14 report; - is standard output.", valueName: "file"))
  var tap: String?
  @Option(help: ArgumentHelp("Write all events as JSON lines; - is standard output.", valueName: "file"))
  var json: String?
  @Option(help: ArgumentHelp("Write one self-contained HTML page.", valueName: "file"))
  var html: String?

  /// None was asked for.
  var isEmpty: Bool { [junit, tap, json, html].allSatisfy { $0 == nil } }

  /// One of them takes standard output.
  var takesOutput: Bool { [junit, tap, json, html].contains("-") }

  func validate() throws {
    guard [junit, tap, json, html].count(where: { $0 == "-" }) <= 1 else {
      throw ValidationError("only one report can go to standard output")
    }
  }

  /// The reports that were asked for; each path is tried before anything runs.
  func sinks() throws -> [any EventSink] {
    var sinks: [any EventSink] = []
    if let junit { sinks.append(try RecordedReport.junit(path: junit)) }
    if let tap { sinks.append(try RecordedReport.tap(path: tap)) }
    if let html { sinks.append(try RecordedReport.html(path: html)) }
    if let json { sinks.append(try EventLinesReport(path: json)) }
    return sinks
  }
}
