import Glibc
import ProviumEvents
import ProviumReports
import ProviumSystem
import Testing

@Suite("JSON lines") struct EventLogTests {
  private func lines(_ events: [TimedEvent]) throws -> String {
    try events.map { try EventLine.text($0.event, at: $0.time) + "\n" }.joined()
  }

  @Test("are read back as the events they were") func roundTrip() throws {
    let log = try EventLog.decode(Array(try lines(SampleRun.events).utf8), path: "x")
    #expect(log.events.count == SampleRun.events.count)
    #expect(log.events.map { "\($0)" } == SampleRun.events.map { "\($0)" })
    #expect(!log.isTruncated)
  }

  @Test("begin with version, time and name") func shape() throws {
    #expect(
      try EventLine.text(.fileStarted(file: "a\n\u{1B}\u{2028}\"\\.lua", attempt: 1), at: 0.1234567)
        == #"{"v":1,"t":0.123457,"event":"file_started","file":"a\n\u001b\u2028\"\\.lua","attempt":1}"#
    )
  }

  @Test("are one line each, whatever they say") func oneLine() throws {
    #expect(try lines(SampleRun.events).split(separator: "\n").count == SampleRun.events.count)
  }

  @Test("keep a seed of 64 bits") func seed() throws {
    var header = SampleRun.header
    header.seed = .max
    let log = try EventLog.decode(Array((try EventLine.text(.runStarted(header), at: 0) + "\n").utf8), path: "x")
    guard case .runStarted(header) = log.events[0].event else {
      Issue.record("\(log.events)")
      return
    }
  }

  @Test("that break off are read up to there") func truncated() throws {
    let text = try lines(SampleRun.events)
    let log = try EventLog.decode(Array(text.utf8.dropLast(10)), path: "x")
    #expect(log.isTruncated)
    #expect(log.events.count == SampleRun.events.count - 1)
  }

  @Test("of a newer Provium are read as far as they are known") func newer() throws {
    let text =
      #"{"v":1,"t":1,"event":"moon_rose","phase":3}"# + "\n"
      + #"{"v":1,"t":2,"event":"activity","file":"a","text":"b","mood":[]}"# + "\r\n\n"
    #expect(try EventLog.decode(Array(text.utf8), path: "x").events.count == 1)
  }

  @Test(
    "that are none are named with file, line and reason",
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

  @Test("that are damaged anywhere raise an error or are read, and never trap") func damaged() throws {
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

  @Test("are on disk as they happen, over what an older run left") func flushed() throws {
    let scratch = try Scratch()
    let path = "\(scratch.path)/deep/er/events.jsonl"
    try Files.createDirectories("\(scratch.path)/deep/er")
    try Files.write(Array(String(repeating: "old\n", count: 1000).utf8), to: path)
    let report = try EventLinesReport(path: path)
    #expect(try Files.readText(path).hasPrefix("old"), "an older report stays until the first event")
    report.receive(.runStarted(SampleRun.header), at: 0)
    #expect(try EventLog.read(path).events.count == 1)
    report.receive(.activity(file: "a", text: "b"), at: 1)
    #expect(try EventLog.read(path).events.count == 2)
    try report.finish()
  }

  @Test("that meet a full disk say so at the end, once") func fullDisk() throws {
    let report = try EventLinesReport(path: "/dev/full")
    report.receive(.activity(file: "a", text: "b"), at: 1)
    let error = #expect(throws: SystemError.self) { try report.finish() }
    #expect(error?.errno.name == "ENOSPC")
  }
}
