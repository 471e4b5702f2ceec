import ProviumEvents
import ProviumSystem
import Testing

@testable import ProviumReports

@Suite("The report of a run on several kernels") struct MatrixReportTests {
  private static let failure = Outcome.failed(Failure(kind: .assertion, message: "expected 1, got 2"))

  private static func file(_ name: String, _ kernel: String, _ tests: [(String, Outcome)]) -> RunEvent {
    var result = FileResult(
      file: MatrixCell.name(name, on: kernel),
      outcome: .passed,
      subTests: tests.map { SampleRun.test([$0.0], $0.1) },
      duration: 1
    )
    result.kernel = kernel
    return .fileEnded(result)
  }

  /// `b.lua` did not run on the second kernel.
  private static let events: [TimedEvent] = {
    var header = SampleRun.header
    header.kernels = ["deb:6.1", "../linux"]
    header.files = ["net/a.lua", "b.lua"].flatMap { file in
      header.kernels.map { MatrixCell.name(file, on: $0) }
    }
    let events: [RunEvent] = [
      .runStarted(header),
      file(
        "net/a.lua",
        "deb:6.1",
        [("one", .passed), ("two", .passed), ("<three>", .skipped(reason: "old"))]
      ),
      file("net/a.lua", "../linux", [("one", .passed), ("two", failure), ("<three>", .passed)]),
      file("b.lua", "deb:6.1", [("one", .passed)]),
    ]
    return events.enumerated().map { TimedEvent(time: Double($0.offset), event: $0.element) }
  }()

  @Test("has a column for each kernel, and rows for files and for sub-tests that failed or differ")
  func table() throws {
    let table = try #require(MatrixTable(of: RunRecord(Self.events)))
    #expect(
      MatrixLines(palette: Palette(isColoured: false), isQuiet: false).lines(of: table) == [
        "               deb:6.1  ../linux",
        "  net/a.lua    ok       FAIL 1 of 3",
        "    · two      ok       FAIL",
        "    · <three>  skipped  ok",
        "  b.lua        ok       -",
      ]
    )
    #expect(
      MatrixLines(palette: Palette(isColoured: false), isQuiet: true).lines(of: table).count == 3,
      "a quiet table has only the rows with failures"
    )
    #expect(MatrixTable(of: SampleRun.record) == nil)
  }

  @Test("ends the lines of the terminal, and is a table of the HTML page") func places() {
    #expect(
      SampleRun.transcript(SampleRun.quietLogs(TranscriptStyle()), Self.events).contains(
        "FAIL 1 of 3\n    · two"
      )
    )
    let page = HTMLPage(of: RunRecord(Self.events)).text
    #expect(page.contains("<th scope=\"col\"><bdi>../linux</bdi></th>"))
    #expect(page.contains("<td class=\"skipped\">skipped</td><td class=\"passed\">ok</td>"))
    #expect(!page.contains("<three>"))
    #expect(!HTMLPage(of: SampleRun.record).text.contains("class=\"matrix\""))
  }

  @Test(
    "is a JUnit suite for each file on each kernel, with distinct class names and the kernel as a property"
  )
  func junit() throws {
    let root = try XMLReader.read(JUnitDocument(of: RunRecord(Self.events)).text)
    #expect(
      root.children.map { $0.attributes["name"] } == [
        "net/a.lua [deb:6.1]", "net/a.lua [../linux]", "b.lua [deb:6.1]",
      ]
    )
    let classes = root.children.map { $0.children.first { $0.name == "testcase" }?.attributes["classname"] }
    #expect(classes == ["deb:6%2E1.net.a", "%2E%2E/linux.net.a", "deb:6%2E1.b"])
    let properties = root.children[1].children[0].children
    #expect(properties.contains { $0.attributes == ["name": "provium.kernel.name", "value": "../linux"] })
  }

  @Test("knows the file and the kernel of each name in the events") func cells() {
    var header = SampleRun.header
    header.kernels = ["deb:6.1", "deb:6.12", "x] [deb:6.1"]
    #expect(header.cell(of: "a.lua [deb:6.12]") == MatrixCell(file: "a.lua", kernel: "deb:6.12"))
    #expect(header.cell(of: "a.lua [x] [deb:6.1]") == MatrixCell(file: "a.lua", kernel: "x] [deb:6.1"))
    #expect(header.cell(of: "a.lua") == MatrixCell(file: "a.lua", kernel: nil))
    header.kernels = ["deb:6.1"]
    #expect(header.cell(of: "a.lua [deb:6.1]") == MatrixCell(file: "a.lua [deb:6.1]", kernel: "deb:6.1"))
  }
}
