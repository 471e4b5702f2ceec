import ProviumEvents
import ProviumReports
import ProviumSystem
import Synchronization
import Testing

/// A format that is not part of Provium: the names of the failed files, as they fail.
private struct FailedNames: ReportFormat {
  let name = "failed"
  let title = "failed names"

  func sink(to destination: ReportDestination) -> any EventSink { Sink(destination) }

  final class Sink: EventSink {
    private let destination: ReportDestination
    private let names = Mutex<[String]>([])
    init(_ destination: ReportDestination) { self.destination = destination }

    func receive(_ event: RunEvent, at time: Double) {
      if case .fileEnded(let result) = event, result.hasFailed { names.withLock { $0.append(result.file) } }
    }
    func finish() throws { try destination.write(names.withLock { $0 }.joined(separator: "\n")) }
  }
}

@Suite("Report formats") struct ReportFormatTests {
  @Test("are extended by one implementation and one entry in the registry") func added() throws {
    let scratch = try Scratch()
    let formats = ReportFormats(ReportFormats.standard.all + [FailedNames()])
    let sink = try formats.request("failed=\(scratch.path)/names").sink()
    try SampleRun.events.replay(into: [sink])
    #expect(try Files.readText("\(scratch.path)/names") == "token.lua\nnet/tcp.lua\nweird.lua")
  }

  @Test("write their documents to the file of the request") func standard() throws {
    let scratch = try Scratch()
    let formats = ReportFormats.standard
    #expect(formats.names == ["junit", "tap", "json", "html", "github"])
    let sinks = try formats.names.map { try formats.request("\($0)=\(scratch.path)/\($0)").sink() }
    try SampleRun.events.replay(into: sinks)
    func text(_ name: String) throws -> String { try Files.readText("\(scratch.path)/\(name)") }
    #expect(try text("junit") == Golden.junit)
    #expect(try text("tap") == Golden.tap)
    #expect(try text("json").split(separator: "\n").count == SampleRun.events.count)
    #expect(try text("html").hasPrefix("<!DOCTYPE html>"))
    #expect(try text("github").hasPrefix("## ❌ provium: "))
  }

  @Test(
    "are asked for by name and file",
    arguments: [
      (
        "moon=x", "cannot write a report in the format 'moon'; the formats are junit, tap, json, html, github"
      ),
      ("junti=x", "cannot write a report in the format 'junti' (did you mean 'junit'?); the formats are"),
      ("junit", "cannot write the report 'junit': give a format and a file, such as junit=report.xml"),
      ("junit=", "cannot write the report 'junit=': give a format and a file, such as junit=report.xml"),
    ]
  )
  func refused(text: String, message: String) {
    let error = #expect(throws: ReportError.self) { try ReportFormats.standard.request(text) }
    #expect(error?.description.hasPrefix(message) == true, "\(String(describing: error))")
  }

  @Test("take a file whose name has an equals sign") func equalsSign() throws {
    #expect(try ReportFormats.standard.request("junit=a=b.xml").path == "a=b.xml")
    #expect(try ReportFormats.standard.request("tap=-").takesOutput)
  }
}
