import Glibc
import ProviumEvents
import ProviumReports
import ProviumSystem
import Testing

@Suite("Where a report goes") struct DestinationTests {
  @Test("is made with the folders above it, and nothing stands there before it is written") func parents()
    throws
  {
    let scratch = try Scratch()
    let path = "\(scratch.path)/a/b/junit.xml"
    let report = try RecordedReport.junit(path: path)
    #expect(try Files.list("\(scratch.path)/a/b") == [])
    try SampleRun.events.replay(into: [report])
    #expect(try Files.list("\(scratch.path)/a/b") == ["junit.xml"])
    #expect(try Files.readText(path) == Golden.junit)
  }

  @Test(
    "is refused before the run when it cannot be written",
    arguments: [
      ("/proc/nothing/x.xml", "ENOENT"), ("/dev/null/x.xml", "ENOTDIR"), ("/tmp", "EISDIR"), ("", "ENOENT"),
      ("/tmp/folder/", "EISDIR"),
    ]
  )
  func refused(path: String, errno: String) {
    let error = #expect(throws: ReportError.self) { try RecordedReport.junit(path: path) }
    #expect(error?.description.hasPrefix("cannot write the JUnit report to \(path): ") == true)
    #expect(error?.description.contains(errno) == true, "\(String(describing: error))")
  }

  @Test("is written through when it is a link, and in place when it is a device") func links() throws {
    let scratch = try Scratch()
    try Files.write(Array("old".utf8), to: "\(scratch.path)/real")
    try #require(symlink("real", "\(scratch.path)/link") == 0)
    try ReportDestination("\(scratch.path)/link", report: "TAP").write("new")
    #expect(try Files.readText("\(scratch.path)/real") == "new")
    try ReportDestination("/dev/null", report: "TAP").write("gone")
    let error = #expect(throws: ReportError.self) {
      try ReportDestination("/dev/full", report: "TAP").write("x")
    }
    #expect(error?.description.contains("ENOSPC") == true)
  }

  @Test("gets the report of an interrupted run, once") func interrupted() throws {
    let scratch = try Scratch()
    let path = "\(scratch.path)/tap"
    let report = try RecordedReport.tap(path: path)
    try SampleRun.interrupted.replay(into: [report])
    let text = try Files.readText(path)
    #expect(text.contains("Bail out!"))
    try Files.removeTree(path)
    try report.finish()
    #expect(!Files.exists(path))
  }
}
