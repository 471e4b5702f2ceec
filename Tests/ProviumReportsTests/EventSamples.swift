import ProviumEvents
import ProviumReports

/// Every case of `RunEvent`, with each optional member present and absent, and values at the edges of their types.
/// `Golden/EveryEvent.jsonl` holds the lines of these events.
enum EventSamples {
  static let all: [TimedEvent] = {
    var number = 0
    return (run + files + subTests + machines + pool).map { event in
      number += 1
      return TimedEvent(time: Double(number) * 0.1234567, event: event)
    } + edgesOfTime
  }()

  /// Times at which the format changes how it writes a number.
  private static let edgesOfTime: [TimedEvent] = [
    0, -0.0000004, 0.0000005, 1, 1.5, 999_999_999.123456789, 1e9, 1_234_567_890.123456789, 1e15, 1e16, 1e300,
    -2.25,
  ].map { TimedEvent(time: $0, event: .activity(file: "", text: "")) }

  private static let texts = [
    "", "plain", SampleRun.weird, "\u{0}\u{8}\u{9}\u{A}\u{C}\u{D}\u{1F}\u{7F}\u{80}\u{9F}\u{A0}",
    "\u{2028}\u{2029}\u{FFFD}\u{FFFE}\u{10FFFF}", "e\u{301} \u{e9} /\\\"", "}],{[:",
  ]

  private static let run: [RunEvent] = {
    var full = SampleRun.header
    full.seed = .max
    full.pool = "resource pool: 4096M memory, 8 CPUs"
    full.slowdown = 7.333333333333
    full.timeScale = 12.25
    full.startedAt = 1_767_268_800.123456789
    full.shard = RunShard(
      index: 2,
      total: 5,
      isBalanced: true,
      suite: ["a.lua", "b.lua", "ü.lua"],
      part: ["b.lua"]
    )
    var small = SampleRun.header
    small.seed = 0
    small.qemu = ""
    small.files = []
    small.parallel = .max
    small.shard = RunShard(index: 1, total: 1, isBalanced: false, suite: [], part: [])
    var summary = RunSummary()
    (summary.passed, summary.failed, summary.skipped, summary.helpers) = (1, 2, 3, 4)
    (summary.testsPassed, summary.testsFailed, summary.testsTodo, summary.testsSkipped) = (5, 6, 7, 8)
    summary.retried = ["net/tcp.lua", "\u{e9}.lua"]
    summary.duration = 12.3456789
    summary.stoppedEarly = "Ctrl-C"
    return [.runStarted(SampleRun.header), .runStarted(full), .runStarted(small), .runEnded(RunSummary())]
      + [.runEnded(summary)]
      + texts.map { .warning(file: nil, text: $0) } + texts.map { .warning(file: $0, text: "text") }
  }()

  private static func failure(_ kind: FailureKind, isFull: Bool) -> Failure {
    var failure = Failure(kind: kind, message: "line one\nline two: \(kind.rawValue)")
    if isFull {
      failure.location = SampleRun.at(.max, "tests/\u{e9}.lua")
      failure.traceback = ["a.lua:1: in main chunk", ""]
      failure.trace = ["exec(\"id\") = 0 <0.01s>"]
      failure.console = texts
    }
    return failure
  }

  private static let kinds: [FailureKind] = [
    .assertion, .error, .infrastructure, .timeout, .kernelReport, .inner,
  ]

  private static let outcomes: [Outcome] =
    [.passed] + kinds.flatMap { [.failed(failure($0, isFull: false)), .failed(failure($0, isFull: true))] }
    + ["", "needs 6.6 \u{1B}[1m"].flatMap { [.todo(reason: $0), .skipped(reason: $0)] }

  private static let results: [SubTestResult] =
    outcomes.map {
      SubTestResult(path: ["outer", "inner"], outcome: $0, duration: 1.0000004, location: SampleRun.at(1))
    }
    + texts.map { text in
      var result = SubTestResult(path: [text], outcome: .passed, duration: 0, location: SampleRun.at(0, text))
      result.output = text
      result.tags = [text, "quick"]
      result.properties = ["z": text, "a": "1", text: "key", "\u{e9}": "composed", "Z": ""]
      return result
    }

  private static let subTests: [RunEvent] =
    [
      .subTestStarted(file: "a.lua", path: [], location: SampleRun.at(-1)),
      .subTestStarted(file: "net/\u{e9}.lua", path: texts, location: SampleRun.at(3)),
    ] + texts.map { .output(file: "a.lua", path: ["t"], text: $0) } + [
      .output(file: "a.lua", path: [], text: "x\n")
    ]
    + results.map { .subTestEnded(file: "a.lua", result: $0) }

  private static let files: [RunEvent] =
    [.fileStarted(file: "a.lua", attempt: 0), .fileStarted(file: SampleRun.weird, attempt: .max)]
    + texts.map { .activity(file: $0, text: $0) }
    + outcomes.map { .fileEnded(FileResult(file: "a.lua", outcome: $0, subTests: [], duration: 0.5)) }
    + [
      .fileEnded(
        {
          var result = FileResult(file: "a.lua", outcome: .passed, subTests: results, duration: 1e-7)
          result.output = SampleRun.weird
          result.isHelper = true
          result.attempt = 3
          result.logPath = "/run/a.lua.log"
          return result
        }()
      )
    ]

  private static let machines: [RunEvent] = {
    let plain = MachineDescription(
      id: 1,
      file: "a.lua",
      profile: "default",
      memory: 256 << 20,
      cpus: 1,
      origin: "boot"
    )
    var full = plain
    full.id = .max
    full.memory = .max
    full.kernel = "6.1.0 \u{1B}[1m"
    return [
      .machineStarted(plain), .machineStarted(full), .machineReady(id: 1, duration: 2.3456789, kernel: nil),
      .machineReady(id: 2, duration: 0, kernel: "6.1.0"), .machineEnded(id: 1, reason: ""),
      .machineEnded(id: .min, reason: "shutdown"),
    ]
  }()

  private static let pool: [RunEvent] = [
    .poolWaiting(file: "a.lua", memory: 1, cpus: 1), .poolWaiting(file: "", memory: .max, cpus: 64),
    .poolGranted(file: "a.lua", claim: 1, memory: 1 << 63, cpus: 2, waited: 0),
    .poolGranted(file: "", claim: 2, memory: 0, cpus: 0, waited: 2.8800001),
    .poolGrown(file: "a.lua", claim: 1, memory: 320 << 20), .poolReleased(file: "a.lua", claim: 1),
    .poolReleased(file: "", claim: 2),
  ]
}
