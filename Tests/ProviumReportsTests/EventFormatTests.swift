import ProviumEvents
import ProviumReports
import ProviumSystem
import Testing

/// The files in `Golden` were recorded by an earlier Provium: their bytes are the format.
@Suite("The format of event files") struct EventFormatTests {
  private func recorded(_ name: String) throws -> [UInt8] {
    try Files.read("\(Files.parent(of: #filePath))/Golden/\(name).jsonl")
  }

  private func lines(_ events: [TimedEvent]) throws -> String {
    try events.map { try EventLine.text($0.event, at: $0.time) + "\n" }.joined()
  }

  @Test("writes every event, with each optional member present and absent, as the recorded bytes")
  func everyEvent() throws {
    #expect(try lines(EventSamples.all) == String(decoding: recorded("EveryEvent"), as: UTF8.self))
  }

  @Test("writes the sample run as the recorded bytes") func sampleRun() throws {
    #expect(try lines(SampleRun.events) == String(decoding: recorded("SampleRun"), as: UTF8.self))
  }

  @Test(
    "reads a recorded file and writes the same bytes again",
    arguments: ["EveryEvent", "SampleRun", "ExampleRun"]
  )
  func again(name: String) throws {
    let bytes = try recorded(name)
    let log = try EventLog.decode(bytes, path: name)
    #expect(log.events.count == bytes.count { $0 == 0x0A })
    #expect(try lines(log.events) == String(decoding: bytes, as: UTF8.self))
  }

  @Test("reads the recorded events as the events that they were") func values() throws {
    let log = try EventLog.decode(recorded("EveryEvent"), path: "EveryEvent")
    #expect(log.events.count == EventSamples.all.count)
    for (read, sample) in zip(log.events, EventSamples.all) {
      // Times and durations are rounded to microseconds: all else is equal.
      #expect(
        try EventLine.text(read.event, at: 0) == EventLine.text(sample.event, at: 0),
        "\(read.event) is not \(sample.event)"
      )
    }
  }

  @Test("keeps the bytes of a path, and reads them as path text") func paths() throws {
    let nfd = PathText.string(of: "e\u{301}.lua".utf8)
    let bytes = PathText.string(of: Array("e\u{301}".utf8) + [0xFF])
    var header = SampleRun.header
    header.files = [nfd, bytes, "\u{e9}.lua"]
    let output = "e\u{301} \u{10FF80}"
    let events: [RunEvent] = [.runStarted(header), .output(file: nfd, path: [], text: output)]
    let lines = try events.map { try EventLine.text($0, at: 0) }
    #expect(lines[0].utf8.contains(#""files":["e\#u{301}.lua","e\#u{301}\#u{10FFFF}","\#u{e9}.lua"]"#.utf8))
    #expect(lines[1].utf8.contains(#""file":"e\#u{301}.lua","path":[],"text":"e\#u{301} \#u{10FF80}""#.utf8))
    let log = try EventLog.decode(Array(lines.joined(separator: "\n").utf8) + [0x0A], path: "x")
    guard case .runStarted(let read) = log.events[0].event,
      case .output(let file, _, let text) = log.events[1].event
    else {
      Issue.record("\(log.events)")
      return
    }
    #expect(read.files == header.files)
    #expect(file == nfd)
    #expect(text.utf8.elementsEqual(output.utf8))
  }

  @Test("has members that may be absent: lists are then empty, booleans false, optional values nil")
  func absent() throws {
    let text = #"""
      {"v":1,"t":0,"event":"run_started","version":"1","qemu":"","accelerator":"tcg","accelerator_reason":"","channel":"vsock","channel_reason":"","time_scale":1,"parallel":1,"started_at":0,"run_directory":""}
      {"v":1,"t":1,"event":"file_ended","file":"a.lua","attempt":0,"outcome":"failed","failure":{"kind":"harness","message":"m"},"duration":1,"output":null}
      {"v":1,"t":1,"event":"run_ended","passed":0,"failed":1,"skipped":0,"helpers":0,"tests_passed":0,"tests_failed":0,"tests_todo":0,"tests_skipped":0,"duration":1}
      """#
    let record = RunRecord(try EventLog.decode(Array(text.utf8) + [0x0A], path: "x").events)
    #expect(record.header?.files == [])
    #expect(record.header?.seed == nil)
    let result = try #require(record.results.first)
    #expect(result.output == "")
    #expect(!result.isHelper)
    #expect(result.subTests == [])
    #expect(result.outcome.failure?.kind == .infrastructure)
    #expect(result.outcome.failure?.traceback == [])
    #expect(record.summary.retried == [])
  }

  @Test(
    "names the member that is wrong, wherever it is",
    arguments: [
      (#""outcome":"failed","duration":1"#, #"lacks "failure""#),
      (#""outcome":"failed","failure":{"message":"m"},"duration":1"#, #"lacks "failure.kind""#),
      (
        #""outcome":"failed","failure":{"kind":"moon","message":"m"},"duration":1"#,
        #"has the unknown value "moon" as "failure.kind""#
      ),
      (#""outcome":"passed","duration":"long""#, #"has a string as "duration" instead of a number"#),
      (#""outcome":"passed","duration":1,"output":[]"#, #"has a list as "output" instead of a string"#),
      (
        #""outcome":"passed","duration":1,"tests":[{"path":["a",1]}]"#,
        #"has a whole number as "tests[0].path[1]" instead of a string"#
      ),
      (
        #""outcome":"passed","duration":1,"tests":[1]"#,
        #"has a whole number as "tests[0]" instead of an object"#
      ),
      (#""outcome":"todo","duration":1"#, #"lacks "reason", a string"#),
    ]
  )
  func wrongMember(members: String, reason: String) {
    let line = #"{"v":1,"t":1,"event":"file_ended","file":"a","attempt":0,\#(members)}"#
    let error = #expect(throws: EventFault.self) { try EventLine.decode(line.utf8) }
    #expect(error?.description == reason)
  }
}
