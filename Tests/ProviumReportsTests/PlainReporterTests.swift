import ProviumSystem
import Glibc
import ProviumEvents
import ProviumReports
import ProviumSystem
import Synchronization
import Testing

/// Collects the text that a reporter writes.
final class Collected: Sendable {
  private let parts = Mutex<[String]>([])
  var output: LineOutput { LineOutput { [self] text in parts.withLock { $0.append(text) } } }
  var text: String { parts.withLock { $0.joined() } }
}

@Suite("The plain terminal report") struct PlainReporterTests {
  private func style(_ change: (inout TranscriptStyle) -> Void) -> TranscriptStyle {
    var style = SampleRun.quietLogs(TranscriptStyle())
    change(&style)
    return style
  }

  @Test("writes exactly the expected lines of a whole run") func golden() throws {
    let collected = Collected()
    let reporter = PlainReporter(SampleRun.quietLogs(TranscriptStyle()), output: collected.output)
    for timed in SampleRun.events { reporter.receive(timed.event, at: timed.time) }
    try reporter.finish()
    #expect(collected.text == Golden.plain)
  }

  @Test("ends with only the counts when nothing failed") func allPassed() {
    let text = SampleRun.transcript(SampleRun.quietLogs(TranscriptStyle()), Self.passing(files: 5))
    #expect(text.hasSuffix("\n\nok: 5 files passed\n"))
  }

  @Test("writes one line for a quiet run without failures") func quietAndWell() {
    #expect(
      SampleRun.transcript(style { $0.verbosity = .quiet }, Self.passing(files: 5)) == "ok: 5 files passed\n"
    )
  }

  @Test("writes only failures and the last line when quiet") func quiet() {
    let text = SampleRun.transcript(style { $0.verbosity = .quiet })
    #expect(text.hasPrefix("  token.lua ... FAIL (2.1s)\n    · denies others ... FAIL"))
    #expect(!text.contains("boot.lua") && !text.contains("warning") && !text.contains("... ok"))
    #expect(text.hasSuffix("1 retried\n"))
  }

  @Test("also writes the output of passing tests and the activity of files when verbose") func verbose() {
    let text = SampleRun.transcript(style { $0.verbosity = .verbose })
    #expect(text.contains("  [0.030] boot.lua: booting default: kernel\n"))
    #expect(text.contains("    · kernel version ... ok\n    --- output ---\n      6.1.0\n"))
    #expect(text.contains("5 files, 11 tests in 8.5s\n"))
  }

  @Test("shows the beginning of a kernel report, and the end of every other console") func consoles() {
    var failure = Failure(kind: .kernelReport, message: "reported")
    failure.console = (1...99).map { "line \($0)" }
    func text(_ failure: Failure) -> String {
      let result = FileResult(
        file: "a.lua",
        outcome: .passed,
        subTests: [SampleRun.test(["a"], .failed(failure))],
        duration: 1
      )
      return SampleRun.transcript(
        style { _ in },
        [
          TimedEvent(time: 0, event: .runStarted(SampleRun.header)),
          TimedEvent(time: 1, event: .fileEnded(result)),
        ]
      )
    }
    let report = text(failure)
    #expect(report.contains("--- kernel report (first 30 lines) ---\n      line 1\n"), "\(report)")
    #expect(report.contains("line 30\n") && !report.contains("line 31"))
    failure.kind = .assertion
    let console = text(failure)
    #expect(console.contains("--- console (last 20 lines) ---\n      line 80\n"), "\(console)")
    #expect(console.contains("line 99\n"))
  }

  @Test("writes the header when a VM has named its kernel, or before the first line below the header")
  func header() {
    var transcript = Transcript()
    #expect(transcript.lines(for: .runStarted(SampleRun.header), at: 0) == [])
    let lines = transcript.lines(for: .warning(file: nil, text: "first"), at: 1)
    #expect(
      lines[0] == "provium test" + String(repeating: " ", count: 37)
        + "QEMU 7.2 · tcg: /dev/kvm does not run guest code · virtio-serial"
    )
    #expect(lines.suffix(1) == ["  warning: first"])
    #expect(transcript.lines(for: .warning(file: nil, text: "first"), at: 2) == [], "a warning is shown once")
  }

  @Test("writes the seed, the pool and the timeout multiplier below the header") func particulars() {
    var header = SampleRun.header
    header.seed = 18_446_744_073_709_551_615
    header.pool = "resource pool: 4096M memory, 8 CPUs"
    header.timeScale = 4
    header.slowdown = 7
    var transcript = Transcript()
    _ = transcript.lines(for: .runStarted(header), at: 0)
    let lines = transcript.lines(for: .warning(file: nil, text: "w"), at: 0)
    #expect(
      lines[1]
        == "  time limits × 4 (emulated code runs 7 × slower) · resource pool: 4096M memory, 8 CPUs · shuffled with seed 18446744073709551615"
    )
  }

  @Test("repeats failures at the end when many files ran") func repeated() {
    var events = Self.passing(files: 11)
    events.removeLast()
    events.append(TimedEvent(time: 3, event: .fileEnded(SampleRun.token)))
    let text = SampleRun.transcript(SampleRun.quietLogs(TranscriptStyle()), events)
    #expect(
      text.contains(
        "\nFailures:\n  token.lua · denies others: tests/token.lua:14: expected \"0\", got \"-13\"\n"
      )
    )
    #expect(!SampleRun.transcript().contains("\nFailures:\n"))
  }

  @Test("reports an interrupted run: running files have failed, files that did not run are counted")
  func interrupted() {
    let text = SampleRun.transcript(SampleRun.quietLogs(TranscriptStyle()), SampleRun.interrupted)
    #expect(text.contains("  token.lua ... FAIL"))
    #expect(
      text.contains(
        "    · denies others ... FAIL: (infrastructure error) did not end: the run was interrupted\n"
      )
    )
    #expect(text.contains("stopped early: the run did not end; 4 files did not run\n"))
    #expect(text.hasSuffix("\nFAIL: 0 files passed, 2 failed\n"))
  }

  @Test("colours only words, and only when colours are on") func colour() {
    let coloured = SampleRun.transcript(style { $0.palette = Palette(isColoured: true) })
    #expect(coloured.contains("  boot.lua ... \u{1B}[32mok\u{1B}[0m (3 tests, 2.9s)\n"))
    #expect(HarmlessText.clean(coloured) == Golden.plain)
    #expect(!SampleRun.transcript().contains("\u{1B}"))
  }

  @Test("escapes lines that a CI system would read as commands") func guarded() {
    #expect(SampleRun.transcript(style { $0.isGuarded = true }).contains("      \\::error::not a command\n"))
  }

  @Test("names sub-tests of one name by an ordinal") func ordinals() {
    let failed = Outcome.failed(Failure(kind: .assertion, message: "m"))
    let result = FileResult(
      file: "a.lua",
      outcome: .passed,
      subTests: [SampleRun.test(["t"], .passed), SampleRun.test(["t"], failed)],
      duration: 1
    )
    let text = SampleRun.transcript(
      SampleRun.quietLogs(TranscriptStyle()),
      [
        TimedEvent(time: 0, event: .runStarted(SampleRun.header)),
        TimedEvent(time: 1, event: .fileEnded(result)),
      ]
    )
    #expect(text.contains("    · t ... ok\n    · t #2 ... FAIL: m\n"))
  }

  @Test(
    "throws one error at the end when its output cannot be written",
    arguments: ["/dev/full", "closed pipe"]
  )
  func unwritable(output: String) throws {
    signal(SIGPIPE, SIG_IGN)
    var pipeEnds: [Int32] = [-1, -1]
    try #require(pipe(&pipeEnds) == 0)
    close(pipeEnds[0])
    let full = try Descriptor.open("/dev/full", O_WRONLY)
    let target = Descriptor(owning: pipeEnds[1])
    let reporter = PlainReporter(output: .descriptor(output == "/dev/full" ? full.raw : target.raw))
    for timed in SampleRun.events { reporter.receive(timed.event, at: timed.time) }
    let error = #expect(throws: ReportError.self) { try reporter.finish() }
    let reason = output == "/dev/full" ? "ENOSPC" : "EPIPE"
    #expect(error?.description.hasPrefix("cannot write the results to descriptor ") == true)
    #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
  }

  @Test(
    "has colours by the flag, the terminal, and NO_COLOR",
    arguments: [
      (ColorChoice.always, false, ["NO_COLOR": "1"], true), (.never, true, [:], false),
      (.auto, true, [:], true),
      (.auto, false, [:], false), (.auto, true, ["NO_COLOR": "1"], false),
      (.auto, true, ["TERM": "dumb"], false),
    ]
  )
  func choice(choice: ColorChoice, isTerminal: Bool, environment: [String: String], isColoured: Bool) {
    #expect(choice.isColoured(isTerminal: isTerminal) { environment[$0] } == isColoured)
  }

  static func passing(files count: Int) -> [TimedEvent] {
    var header = SampleRun.header
    header.files = (0..<count).map { "file\($0).lua" }
    let results = header.files.map {
      FileResult(file: $0, outcome: .passed, subTests: [SampleRun.test(["works"], .passed)], duration: 1)
    }
    var events = [TimedEvent(time: 0, event: .runStarted(header))]
    for result in results {
      events.append(TimedEvent(time: 0, event: .fileStarted(file: result.file, attempt: 0)))
      events.append(TimedEvent(time: 1, event: .fileEnded(result)))
    }
    events.append(TimedEvent(time: 2, event: .runEnded(RunSummary(counting: results))))
    return events
  }
}
