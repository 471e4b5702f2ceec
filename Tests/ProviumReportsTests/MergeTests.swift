import ProviumEvents
import ProviumReports
import ProviumSystem
import Testing

@Suite("Merged reports") struct MergeTests {
  private func shard(
    _ name: String,
    _ results: [FileResult],
    startedAt: Double = 100,
    change: (inout RunSummary) -> Void = { _ in }
  ) -> EventLog {
    var header = SampleRun.header
    header.files = results.map(\.file)
    header.startedAt = startedAt
    var events = [TimedEvent(time: 0, event: .runStarted(header))]
    for (number, result) in results.enumerated() {
      let time = Double(number)
      let machine = MachineDescription(
        id: 1,
        file: result.file,
        profile: name,
        memory: 1 << 20,
        cpus: 1,
        origin: "boot"
      )
      events.append(TimedEvent(time: time, event: .fileStarted(file: result.file, attempt: 0)))
      events.append(TimedEvent(time: time, event: .machineStarted(machine)))
      events.append(
        TimedEvent(time: time + 0.5, event: .machineReady(id: 1, duration: 0.5, kernel: "6.\(name)"))
      )
      events.append(TimedEvent(time: time + 1, event: .fileEnded(result)))
    }
    var summary = RunSummary(counting: results)
    change(&summary)
    events.append(TimedEvent(time: Double(results.count), event: .runEnded(summary)))
    return EventLog(path: "\(name).jsonl", events: events)
  }

  private func passing(_ file: String) -> FileResult {
    FileResult(file: file, outcome: .passed, subTests: [SampleRun.test(["t"], .passed)], duration: 1)
  }
  private func failing(_ file: String) -> FileResult {
    FileResult(
      file: file,
      outcome: .failed(Failure(kind: .error, message: "boom")),
      subTests: [],
      duration: 1
    )
  }

  @Test("are one run with one start, one end, all files and correct sums") func merged() throws {
    let merge = try ReportMerge([
      shard("1", [passing("a"), failing("b")], startedAt: 105), shard("2", [passing("c")]),
    ])
    let record = RunRecord(merge.events)
    #expect(merge.problems == [])
    #expect(merge.duplicates.isEmpty)
    #expect(record.header?.files == ["a", "b", "c"])
    #expect(record.header?.startedAt == 100)
    #expect(record.summary.passed == 2 && record.summary.failed == 1)
    // The shard that began five seconds later ended seven seconds after the first began.
    #expect(record.summary.duration == 7)
    #expect(record.runs.map(\.started) == [0, 5, 6])
    #expect(merge.events.map(\.time) == merge.events.map(\.time).sorted())
  }

  @Test("keep the VMs of each shard distinct") func machines() throws {
    let record = RunRecord(try ReportMerge([shard("1", [passing("a")]), shard("2", [passing("b")])]).events)
    #expect(Set(record.machines.map(\.description.id)).count == 2)
    #expect(Set(record.kernels) == ["6.1 (1)", "6.2 (2)"])
  }

  @Test("name the files that several shards ran, and use the result of a failed run") func duplicates() throws
  {
    let merge = try ReportMerge([shard("1", [passing("a"), passing("b")]), shard("2", [failing("a")])])
    #expect(merge.duplicates.count == 1)
    #expect(merge.duplicates[0].file == "a" && merge.duplicates[0].paths == ["1.jsonl", "2.jsonl"])
    let record = RunRecord(merge.events)
    #expect(record.results.count == 2)
    #expect(record.summary.passed == 1 && record.summary.failed == 1)
    #expect(record.warnings.map(\.text) == ["a is in several reports: 1.jsonl, 2.jsonl"])
  }

  /// Three shards of the files a to f, two each.
  private func part(_ index: Int, of total: Int = 3, _ files: [String], suite: String = "abcdef") -> EventLog
  {
    var log = shard("\(index)", files.map(passing))
    guard case .runStarted(var header) = log.events[0].event else { return log }
    header.shard = RunShard(
      index: index,
      total: total,
      isBalanced: false,
      suite: suite.map { String($0) },
      part: files
    )
    log = EventLog(
      path: log.path,
      events: [TimedEvent(time: 0, event: .runStarted(header))] + log.events.dropFirst()
    )
    return log
  }

  @Test("of all shards of a suite have no problems") func shards() throws {
    let logs = [part(1, ["a", "d"]), part(2, ["b", "e"]), part(3, ["c", "f"])]
    let lines = try logs[0].events.map { try EventLine.text($0.event, at: $0.time) + "\n" }.joined()
    let read = try EventLog.decode(Array(lines.utf8), path: "1.jsonl")
    let merge = try ReportMerge([read] + logs.dropFirst())
    #expect(merge.problems == [])
    #expect(RunRecord(merge.events).header?.shard == nil)
  }

  @Test("name missing and repeated shards, and files that no shard or several shards had to run")
  func badSplits() throws {
    func problems(_ logs: EventLog...) throws -> [String] { try ReportMerge(logs).problems }
    let (one, two, three) = (part(1, ["a", "d"]), part(2, ["b", "e"]), part(3, ["c", "f"]))
    #expect(try problems(one, three) == ["missing shards: 2/3"])
    #expect(
      try problems(one, one, two, three) == ["shard 1/3 is there more than once: 1.jsonl, 1.jsonl"]
    )
    #expect(try problems(one, two, part(3, ["c"])) == ["no shard had f to run"])
    #expect(
      try problems(one, two, part(3, ["a", "c", "f"]))
        == ["several shards had a to run: were they given the same --durations?"]
    )
    #expect(
      try problems(one, two, part(3, ["c"], suite: "abcde"))
        == ["1.jsonl and 3.jsonl have different suites: 3.jsonl lacks f", "no shard had f to run"]
    )
    #expect(
      try problems(one, part(2, of: 2, ["b"])) == [
        "2.jsonl is the report of shard 2/2, but 1.jsonl is the report of shard 1/3"
      ]
    )
    #expect(
      try problems(one, shard("whole", [passing("b")]))
        == ["whole.jsonl is the report of a whole suite, but 1.jsonl is the report of shard 1/3"]
    )
  }

  @Test("name the sums that differ from the events") func sums() throws {
    let merge = try ReportMerge([shard("1", [passing("a")]) { $0.passed = 2 }])
    #expect(merge.problems == ["1.jsonl: says 2 passed, but its events have 1"])
  }

  @Test("name the shards whose run was cut short") func cutShort() throws {
    let whole = shard("1", [passing("a")])
    let part = EventLog(
      path: "2.jsonl",
      events: Array(shard("2", [passing("b")]).events.prefix(2)),
      isTruncated: true
    )
    let merge = try ReportMerge([whole, part])
    #expect(merge.problems == ["2.jsonl: broke off in the middle of a line: its run was cut short"])
    let record = RunRecord(merge.events)
    #expect(record.summary.failed == 1 && record.summary.stoppedEarly?.hasPrefix("2.jsonl: ") == true)
  }

  @Test("need at least one report, and a start in each report") func nothing() {
    #expect(throws: ReportError.self) { try ReportMerge([EventLog]()) }
    let error = #expect(throws: ReportError.self) { try ReportMerge([EventLog(path: "x.jsonl", events: [])]) }
    #expect(error?.description.contains("x.jsonl") == true)
  }

  @Test("can be written in any other format, such as JUnit") func replay() throws {
    let scratch = try Scratch()
    let paths = try ["1", "2"].map { name -> String in
      let path = "\(scratch.path)/\(name).jsonl"
      try shard(name, [passing("file\(name)")]).events.replay(into: [
        try ReportFormats.standard.request("json", path: path).sink()
      ])
      return path
    }
    let junit = "\(scratch.path)/out/junit.xml"
    try ReportMerge(reading: paths).events.replay(into: [
      try ReportFormats.standard.request("junit", path: junit).sink()
    ])
    let root = try XMLReader.read(try Files.readText(junit))
    #expect(root.children.map { $0.attributes["name"] } == ["file1", "file2"])
  }
}
