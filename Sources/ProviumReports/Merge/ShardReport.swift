import ProviumEvents

/// The report of one shard, before the merge.
struct ShardReport {
  let path: String
  let header: RunHeader
  /// The files that were started, each once.
  let files: [String]
  let failed: Set<String>
  /// The reason why the shard's run ended early; nil for a whole run.
  let stoppedEarly: String?
  /// Contradictions in the report, in words.
  private(set) var problems: [String] = []
  private let events: [TimedEvent]

  init(_ log: EventLog) throws {
    path = log.path
    events = log.events
    let record = RunRecord(log.events)
    guard let header = record.header else {
      throw ReportError(
        "merge",
        log.path,
        "it has no run_started event: is it a report of provium test --json?"
      )
    }
    self.header = header
    var seen = Set<String>()
    files = record.runs.map(\.file).filter { seen.insert($0).inserted }
    failed = Set(record.results.filter(\.hasFailed).map(\.file))
    stoppedEarly = record.summary.stoppedEarly
    check(record, isTruncated: log.isTruncated)
  }

  private mutating func check(_ record: RunRecord, isTruncated: Bool) {
    guard let ending = record.ending else {
      problems.append(
        "\(path): \(isTruncated ? "broke off in the middle of a line" : "has no end"): its run was cut short"
      )
      return
    }
    let counted = RunSummary(counting: record.results)
    let sums = [
      ("passed", ending.passed, counted.passed), ("failed", ending.failed, counted.failed),
      ("skipped", ending.skipped, counted.skipped), ("helpers", ending.helpers, counted.helpers),
      ("tests passed", ending.testsPassed, counted.testsPassed),
      ("tests failed", ending.testsFailed, counted.testsFailed),
      ("tests todo", ending.testsTodo, counted.testsTodo),
      ("tests skipped", ending.testsSkipped, counted.testsSkipped),
    ]
    for (name, said, found) in sums where said != found {
      problems.append("\(path): says \(said) \(name), but its events have \(found)")
    }
    if !record.missing.isEmpty {
      let reason = ending.stoppedEarly.map { " (\($0))" } ?? ""
      problems.append("\(path): did not run \(record.missing.joined(separator: ", "))\(reason)")
    }
  }

  /// Returns the events between start and end of the files for which `isOurs` is true, `shift` seconds later,
  /// with numbers that no other shard uses.
  func renumbered(as shard: Int, shift: Double, isOurs: (String) -> Bool) -> [TimedEvent] {
    // Numbers are small: a billion for each shard keeps them distinct and readable.
    func number(_ id: Int) -> Int { id &+ shard &* 1_000_000_000 }
    var machineFiles: [Int: String] = [:]
    return events.compactMap { timed in
      guard let event = renumbered(timed.event, number, &machineFiles, isOurs) else { return nil }
      return TimedEvent(time: timed.time + shift, event: event)
    }
  }

  private func renumbered(
    _ event: RunEvent,
    _ number: (Int) -> Int,
    _ machineFiles: inout [Int: String],
    _ isOurs: (String) -> Bool
  ) -> RunEvent? {
    switch event {
    case .runStarted, .runEnded: return nil
    case .fileStarted(let file, _), .activity(let file, _), .subTestStarted(let file, _, _),
      .output(let file, _, _),
      .subTestEnded(let file, _), .poolWaiting(let file, _, _):
      return isOurs(file) ? event : nil
    case .fileEnded(let result): return isOurs(result.file) ? event : nil
    case .warning(let file, _): return file.map(isOurs) ?? true ? event : nil
    case .machineStarted(var machine):
      machineFiles[machine.id] = machine.file
      machine.id = number(machine.id)
      return isOurs(machine.file) ? .machineStarted(machine) : nil
    case .machineReady(let id, let duration, let kernel):
      guard isOurs(machineFiles[id] ?? "") else { return nil }
      return .machineReady(id: number(id), duration: duration, kernel: kernel)
    case .machineEnded(let id, let reason):
      return isOurs(machineFiles[id] ?? "") ? .machineEnded(id: number(id), reason: reason) : nil
    case .poolGranted(let file, let reservation, let memory, let cpus, let waited):
      guard isOurs(file) else { return nil }
      return .poolGranted(file: file, claim: number(reservation), memory: memory, cpus: cpus, waited: waited)
    case .poolGrown(let file, let reservation, let memory):
      return isOurs(file) ? .poolGrown(file: file, claim: number(reservation), memory: memory) : nil
    case .poolReleased(let file, let reservation):
      return isOurs(file) ? .poolReleased(file: file, claim: number(reservation)) : nil
    }
  }
}
