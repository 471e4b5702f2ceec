import Glibc
import ProviumEvents
import ProviumReports
import ProviumSystem
import Testing

@Suite("A JSON-lines report") struct EventLogTests {
  private func lines(_ events: [TimedEvent]) throws -> String {
    try events.map { try EventLine.text($0.event, at: $0.time) + "\n" }.joined()
  }

  @Test("is read back as the events that were written") func roundTrip() throws {
    let log = try EventLog.decode(Array(try lines(SampleRun.events).utf8), path: "x")
    #expect(log.events.count == SampleRun.events.count)
    #expect(log.events.map { "\($0)" } == SampleRun.events.map { "\($0)" })
    #expect(!log.isTruncated)
  }

  @Test("begins each line with version, time and name") func shape() throws {
    #expect(
      try EventLine.text(.fileStarted(file: "a\n\u{1B}\u{2028}\"\\.lua", attempt: 1), at: 0.1234567)
        == #"{"v":1,"t":0.123457,"event":"file_started","file":"a\n\u001b\u2028\"\\.lua","attempt":1}"#
    )
  }

  @Test("has one line for each event, whatever the event contains") func oneLine() throws {
    #expect(try lines(SampleRun.events).split(separator: "\n").count == SampleRun.events.count)
  }

  @Test("keeps a seed of 64 bits") func seed() throws {
    var header = SampleRun.header
    header.seed = .max
    let log = try EventLog.decode(
      Array((try EventLine.text(.runStarted(header), at: 0) + "\n").utf8),
      path: "x"
    )
    guard case .runStarted(header) = log.events[0].event else {
      Issue.record("\(log.events)")
      return
    }
  }

  @Test("with an incomplete last line is read up to that line") func truncated() throws {
    let text = try lines(SampleRun.events)
    let log = try EventLog.decode(Array(text.utf8.dropLast(10)), path: "x")
    #expect(log.isTruncated)
    #expect(log.events.count == SampleRun.events.count - 1)
  }

  @Test("of a newer Provium is read without the events and members that are unknown") func newer() throws {
    let text =
      #"{"v":1,"t":1,"event":"moon_rose","phase":3}"# + "\n"
      + #"{"v":1,"t":2,"event":"activity","file":"a","text":"b","mood":[]}"# + "\r\n\n"
    #expect(try EventLog.decode(Array(text.utf8), path: "x").events.count == 1)
  }

  @Test(
    "with a line that is not an event is refused with file, line and reason",
    arguments: [
      ("{}", #"lacks "v", a whole number"#), (#"{"v":2,"t":1,"event":"activity"}"#, "is of version 2"),
      (#"{"v":1,"t":1,"event":"activity","file":"a"}"#, #"lacks "text", a string"#),
      ("[", "is not JSON: the text ends too early"),
      (
        #"{"v":1,"t":1,"event":"file_ended","file":"a","attempt":0,"outcome":"odd","duration":1}"#,
        #"unknown outcome "odd""#
      ),
      ("{\"v\":1}x", "something follows"), ("\"\u{1}\"", "a control character"),
      ("\"\\q\"", "an unknown escape"),
      (String(repeating: "[", count: 300), "nested too deeply"), ("01x", "something follows"),
      ("\"\\u12", "four hexadecimal"),
    ]
  )
  func malformed(line: String, reason: String) {
    let error = #expect(throws: ReportError.self) {
      try EventLog.decode(Array("\n\(line)\n".utf8), path: "/tmp/shard.jsonl")
    }
    #expect(error?.description.hasPrefix("cannot read the report /tmp/shard.jsonl: line 2 ") == true)
    #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
  }

  @Test("that is damaged anywhere is read or refused, and never traps the reader") func damaged() throws {
    let bytes = Array(try lines(SampleRun.events).utf8)
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<300 {
      var copy = bytes
      for _ in 0..<3 {
        copy[Int.random(in: 0..<copy.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      _ = try? EventLog.decode(copy, path: "x")
    }
  }

  @Test("is on disk while the run goes on, and replaces an older report at the first event") func flushed()
    throws
  {
    let scratch = try Scratch()
    let path = "\(scratch.path)/deep/er/events.jsonl"
    try Files.createDirectories("\(scratch.path)/deep/er")
    try Files.write(Array(String(repeating: "old\n", count: 1000).utf8), to: path)
    let report = try ReportFormats.standard.request("json", path: path).sink()
    #expect(try Files.readText(path).hasPrefix("old"), "an older report stays until the first event")
    report.receive(.runStarted(SampleRun.header), at: 0)
    #expect(try EventLog.read(path).events.count == 1)
    report.receive(.activity(file: "a", text: "b"), at: 1)
    #expect(try EventLog.read(path).events.count == 2)
    try report.finish()
  }

  @Test("on a full disk throws one error at the end of the run") func fullDisk() throws {
    let report = try ReportFormats.standard.request("json", path: "/dev/full").sink()
    report.receive(.activity(file: "a", text: "b"), at: 1)
    let error = #expect(throws: ReportError.self) { try report.finish() }
    #expect(error?.description.hasPrefix("cannot write the JSON lines report to /dev/full: ") == true)
    #expect(error?.description.contains("ENOSPC") == true, "\(String(describing: error))")
  }
}
