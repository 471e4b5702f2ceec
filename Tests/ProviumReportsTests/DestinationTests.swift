import Glibc
import ProviumEvents
import ProviumReports
import ProviumSystem
import Testing

@Suite("The destination of a report") struct DestinationTests {
  @Test("is created with its folders, and has no file before the report is written") func parents()
    throws
  {
    let scratch = try Scratch()
    let path = "\(scratch.path)/a/b/junit.xml"
    let report = try ReportFormats.standard.request("junit", path: path).sink()
    #expect(try Files.list("\(scratch.path)/a/b") == [])
    try SampleRun.events.replay(into: [report])
    #expect(try Files.list("\(scratch.path)/a/b") == ["junit.xml"])
    #expect(try Files.readText(path) == Golden.junit)
  }

  @Test(
    "that cannot be written is refused before the run",
    arguments: [
      ("/proc/nothing/x.xml", "ENOENT"), ("/dev/null/x.xml", "ENOTDIR"), ("/tmp", "EISDIR"), ("", "ENOENT"),
      ("/tmp/folder/", "EISDIR"),
    ]
  )
  func refused(path: String, errno: String) {
    let error = #expect(throws: ReportError.self) {
      try ReportFormats.standard.request("junit", path: path).sink()
    }
    #expect(error?.description.hasPrefix("cannot write the JUnit report to \(path): ") == true)
    #expect(error?.description.contains(errno) == true, "\(String(describing: error))")
  }

  @Test("that is a link or a device is written in place") func links() throws {
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

  @Test("gets the report of an interrupted run once") func interrupted() throws {
    let scratch = try Scratch()
    let path = "\(scratch.path)/tap"
    let report = try ReportFormats.standard.request("tap", path: path).sink()
    try SampleRun.interrupted.replay(into: [report])
    let text = try Files.readText(path)
    #expect(text.contains("Bail out!"))
    try Files.removeTree(path)
    try report.finish()
    #expect(!Files.exists(path))
  }
}
