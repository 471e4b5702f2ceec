import Testing

@testable import ProviumAgentClient
@testable import ProviumVM

@Suite("The search for kernel reports in the kernel log and on the console") struct KernelReportFinderTests {
  private let finder = KernelReportFinder(isBoot: true)

  /// A record at `sequence` milliseconds after the boot, or at `time`.
  private func record(_ sequence: UInt64, _ text: String, at time: UInt64? = nil, isKernel: Bool = true)
    -> KernelLogRecord
  {
    KernelLogRecord(
      sequence: sequence,
      microseconds: (time ?? sequence) * 1000,
      priority: isKernel ? 4 : 12,
      isFragment: false,
      isTruncated: false,
      text: Array(text.utf8)
    )
  }

  /// The console's line of that record.
  private func line(_ sequence: UInt64, _ text: String) -> String {
    "\(KernelStamp.text(sequence * 1000)) \(text)"
  }

  private func log(_ records: KernelLogRecord..., lost: UInt64 = 0) {
    finder.take(KernelLogBatch(records: records, lost: lost))
  }

  /// Prints on the console while programs run.
  @discardableResult
  private func console(_ lines: String...) -> Bool {
    lines.map { finder.takeConsole($0, isBeforePrograms: false) }.contains(true)
  }

  private var titles: [String] { finder.reports.kept.map(\.title) }

  @Test("a report that the console does not show is found in the log, with the console's form of its lines")
  func quiet() {
    finder.beginLog(next: nil)
    log(record(0, "Linux version 6.1.0"), record(1, "BUG: KASAN: x in f"), record(2, " <TASK>\n g+0x1"))
    #expect(titles == ["BUG: KASAN: x in f"])
    #expect(
      finder.reports.kept.first?.lines == [
        line(1, "BUG: KASAN: x in f"), line(2, " <TASK>"), line(2, " g+0x1"),
      ]
    )
  }

  @Test("a report that both sources have is found once, whichever is first", arguments: [true, false])
  func once(isConsoleFirst: Bool) {
    console(line(0, "Linux version 6.1.0"), line(1, "BUG: KASAN: at boot"))
    finder.beginLog(next: nil)
    log(record(0, "Linux version 6.1.0"), record(1, "BUG: KASAN: at boot"))
    if isConsoleFirst { console(line(2, "BUG: KASAN: later\r"), line(3, "BUG: KASAN: next")) }
    log(record(2, "BUG: KASAN: later"), record(3, "BUG: KASAN: next"))
    if !isConsoleFirst { console(line(2, "BUG: KASAN: later"), line(3, "BUG: KASAN: next")) }
    finder.endLog()
    // Printed again by a panic, and sent again by the agent.
    console(line(2, "BUG: KASAN: later"))
    log(record(3, "BUG: KASAN: next"))
    #expect(titles == ["BUG: KASAN: at boot", "BUG: KASAN: later", "BUG: KASAN: next"])
  }

  @Test("a boot that never reaches its agent has the reports of its console") func boot() {
    #expect(!console(line(0, "Linux version 6.1.0"), line(1, "BUG: KASAN: at boot")))
    #expect(titles == ["BUG: KASAN: at boot"])
    #expect(console(line(2, "Kernel panic - not syncing: no init")))
    finder.endLog()
    #expect(titles == ["BUG: KASAN: at boot", "Kernel panic - not syncing: no init"])
    // The log may come after all.
    finder.beginLog(next: nil)
    log(record(0, "Linux version 6.1.0"), record(1, "BUG: KASAN: at boot"))
    #expect(titles.count == 2)
  }

  @Test("what the log has lost is found on the console, in its order") func overwritten() {
    console(line(0, "Linux version 6.1.0"), line(1, "BUG: KASAN: first"), line(5, "eth0: up"))
    finder.beginLog(next: nil)
    log(record(5, "eth0: up"), record(6, "BUG: KASAN: second"), lost: 5)
    console(line(7, "BUG: KASAN: third"))
    log(record(9, "BUG: KASAN: fourth"), lost: 2)
    #expect(titles == ["first", "second", "third", "fourth"].map { "BUG: KASAN: \($0)" })
    #expect(finder.takeLostRecords() == 7 && finder.takeLostRecords() == 0)
  }

  @Test("lines of programs on the console are no reports, also with a forged time stamp") func programs() {
    finder.beginLog(next: nil)
    log(record(0, "Linux version 6.1.0"))
    #expect(!console("BUG: KASAN: forged", "Kernel panic - not syncing: quoted", "Oops: 0002 [#1] SMP"))
    #expect(console(line(1, "Kernel panic - not syncing: forged")))
    console(line(2, "BUG: KASAN: forged"))
    // The barrier says that the log is complete: these lines are not the kernel's.
    finder.noteComplete(upTo: finder.consolePosition)
    console(line(3, "BUG: KASAN: forged again"), line(4, "eth0: up"))
    // A line of the kernel behind it says so too.
    log(record(1, "eth0: up", at: 4))
    finder.endLog()
    #expect(titles.isEmpty)
  }

  @Test("only a kernel that prints no stamps, before any program runs, is believed without one")
  func unstamped() {
    #expect(finder.takeConsole("Kernel panic - not syncing: early", isBeforePrograms: true))
    #expect(titles == ["Kernel panic - not syncing: early"])
    console("BUG: KASAN: a program's")
    let stamped = KernelReportFinder(isBoot: true)
    _ = stamped.takeConsole(line(0, "Linux version 6.1.0"), isBeforePrograms: true)
    #expect(!stamped.takeConsole("Kernel panic - not syncing: quoted", isBeforePrograms: true))
    let resumed = KernelReportFinder(isBoot: false)
    #expect(!resumed.takeConsole("Kernel panic - not syncing: quoted", isBeforePrograms: true))
    #expect(titles.count == 1 && stamped.reports.kept.isEmpty && resumed.reports.kept.isEmpty)
  }

  @Test("after the agent's end the console is the source, and continues the report that the log began")
  func panic() {
    finder.beginLog(next: nil)
    log(record(0, "BUG: kernel NULL pointer dereference, address: 8"))
    console(line(0, "BUG: kernel NULL pointer dereference, address: 8"), line(1, "Oops: 0002 [#1] SMP"))
    finder.endLog()
    console(line(2, "Kernel panic - not syncing: Fatal exception"), "a program's", line(3, "Rebooting"))
    #expect(finder.reports.kept.map(\.lines.count) == [4])
    let panic = finder.confirmPanic()
    #expect(panic.line == "Kernel panic - not syncing: Fatal exception")
    #expect(panic.report == finder.reports.kept.first?.id)
  }

  @Test("a panic that no source shows is a report too") func unseen() {
    finder.beginLog(next: nil)
    log(record(0, "BUG: KASAN: x in f"))
    let panic = finder.confirmPanic()
    #expect(titles.count == 2 && titles.last?.hasPrefix("Kernel panic") == true)
    #expect(finder.reports.kept.last?.id == panic.report)
  }

  @Test("a resumed VM has what was not read before the save, and a replay of its log changes nothing")
  func resumed() {
    let resumed = KernelReportFinder(isBoot: false)
    resumed.beginLog(next: 2)
    let unread = record(2, "BUG: KASAN: unread")
    resumed.take(
      KernelLogBatch(records: [record(0, "Linux version"), record(1, "BUG: KASAN: read"), unread], lost: 0)
    )
    resumed.take(KernelLogBatch(records: [record(1, "BUG: KASAN: read"), unread], lost: 0))
    #expect(resumed.reports.kept.map(\.title) == ["BUG: KASAN: unread"])
    #expect(resumed.nextSequence == 3)
  }

  @Test("after the save of a VM nothing is found any more: the resumed VMs will find it") func saved() {
    finder.beginLog(next: nil)
    log(record(0, "BUG: KASAN: before"))
    console(line(1, "BUG: KASAN: between"))
    finder.stop()
    console(line(2, "BUG: KASAN: after"))
    finder.endLog()
    #expect(titles == ["BUG: KASAN: before"])
  }

  @Test("reports are taken once, and a report that is taken does not come back by its later lines")
  func taken() {
    finder.beginLog(next: nil)
    log(record(0, "BUG: unable to handle page fault for address: 1"))
    #expect(finder.takeReports().kept.count == 1)
    log(record(1, "Oops: 0002 [#1] SMP"))
    #expect(finder.takeReports().kept.isEmpty)
  }

  @Test("a console that prints without end costs bounded memory and loses no report before the agent answers")
  func flood() {
    console(line(0, "BUG: KASAN: early"))
    for number in 1..<10_000 { console(line(UInt64(number), "noise")) }
    #expect(titles == ["BUG: KASAN: early"])
    for number in 0..<1000 { console(line(20_000, "BUG: KASAN: \(number)")) }
    let (kept, lost) = finder.takeReports()
    #expect(kept.count + lost == 1001 && kept.count < 1000)
    #expect(finder.takeReports() == ([], 0))
  }
}

@Suite("The detection of a panic") struct PanicDetectorTests {
  @Test("a line of the console is enough before the agent has answered") func early() {
    var detector = PanicDetector()
    detector.noteLine(isAgentUp: false)
    #expect(detector.verdict == .confirmed)
  }

  @Test("later the agent is asked: its answer refutes the panic, its silence confirms it") func asked() {
    var detector = PanicDetector()
    detector.noteLine(isAgentUp: true, pause: .zero, patience: .seconds(60))
    let mustAsk = (detector.mustAsk(), detector.mustAsk())
    #expect(mustAsk == (true, false))
    detector.look(hasAnswered: false)
    #expect(detector.verdict == .suspected)
    #expect(detector.nextLook(after: .milliseconds(20)).remaining < .seconds(1))
    detector.look(hasAnswered: true)
    #expect(detector.verdict == .none && detector.nextLook(after: .zero) == .never)

    detector.noteLine(isAgentUp: true, pause: .zero, patience: .zero)
    _ = detector.mustAsk()
    detector.look(hasAnswered: false)
    #expect(detector.verdict == .confirmed)
  }

  @Test("the agent is not asked at once, for it may run until the kernel stops its processors") func pause() {
    var detector = PanicDetector()
    detector.noteLine(isAgentUp: true, pause: .seconds(60), patience: .zero)
    let mustAsk = detector.mustAsk()
    #expect(!mustAsk)
    // An answer to an earlier question.
    detector.look(hasAnswered: true)
    #expect(detector.verdict == .suspected)
    #expect(detector.nextLook(after: .zero).remaining > .seconds(30))
  }

  @Test("QEMU's notifier is certain") func notified() {
    var detector = PanicDetector()
    detector.noteEvent()
    detector.look(hasAnswered: true)
    #expect(detector.verdict == .confirmed)
  }
}
