import ProviumAgentClient
package import ProviumSystem

/// Watches one QEMU on a thread of its own: its exit, its QMP events, its console. When the VM ends, every wait for its guest
/// ends with the reason. Thread-safe.
package final class MachineMonitor: Liveness, Sendable {
  /// Asks the agent for a sign of life.
  struct Question: Sendable {
    /// Sends the question; nil if it cannot be sent. Does not block for long.
    let ask: @Sendable () -> UInt32?
    let hasAnswer: @Sendable (UInt32) -> Bool
  }
  private struct State {
    var cause: MachineDeath?
    /// Set when the agent has answered: from then on it keeps its ports open as long as it lives.
    var question: Question?
    /// Provium ends the VM: what comes now is no accident.
    var isExpected = false
  }
  private let state = Monitor(State())
  private let process: ChildProcess
  /// The lines of a panic with its registers and its call trace, and some before it.
  private static let panicLines = 50
  private let qmp: QMPClient
  private let console: Console
  private let reports: KernelReportFinder
  private let errors: QEMUErrors
  private let memory = MemoryShortage.Watch()
  /// Raised for ever when the VM has ended.
  private let death: EventDescriptor
  /// Raised when the console shows a line about a panic, whichever thread has read it.
  private let panicLine: EventDescriptor
  private let thread = Monitor<DedicatedThread?>(nil)

  /// Time between two looks for an answer of the agent.
  private static let pause = Duration.milliseconds(20)
  /// The sockets may end a moment before the process does.
  private static let exitTimeout = Duration.seconds(5)

  init(
    process: ChildProcess,
    qmp: QMPClient,
    consoleSocket: consuming Descriptor,
    log: ConsoleLog,
    reports: KernelReportFinder,
    errors: QEMUErrors
  ) throws {
    self.process = process
    self.qmp = qmp
    self.reports = reports
    self.errors = errors
    death = try EventDescriptor()
    let panicLine = try EventDescriptor()
    self.panicLine = panicLine
    console = Console(consoleSocket, log: log) { line in
      let isBeforePrograms = log.reached < .modules
      if reports.takeConsole(line, isBeforePrograms: isBeforePrograms) { panicLine.raise() }
    }
    let started = try DedicatedThread(name: "vm-\(process.pid)", stackSize: 512 << 10) { [self] in watch() }
    thread.update { $0 = started }
  }

  /// Blocks until the monitor's thread has ended. Call it after the process was reaped.
  func join() { thread.read { $0 }?.join() }

  // MARK: Liveness

  package var descriptors: [Int32] { [death.raw] }
  package func causeOfDeath() -> (any Error)? { state.read { $0.cause } }

  /// Notes that Provium ends the VM.
  func expectEnd() { state.update { $0.isExpected = true } }

  /// Notes that the agent has answered.
  func expectAgent(_ question: Question) { state.update { $0.question = question } }

  /// Reads what the console has shown by now, where the monitor's thread has not read it yet.
  package func catchUpWithConsole() { console.catchUp() }

  /// Writes to the guest's serial port. Blocks while the guest does not read; returns the number of bytes that were written.
  package func writeConsole(_ bytes: [UInt8], until deadline: Deadline) throws -> Int {
    try console.write(bytes, until: deadline)
  }

  // MARK: The thread

  private struct Progress {
    var isQMPOpen = true
    var isConsoleOpen = true
    var ports = PortWatch()
    var panic = PanicDetector()
    /// The question that the agent must answer; nil: it could not be sent.
    var question: UInt32?
  }

  private func watch() {
    var progress = Progress()
    while progress.isQMPOpen || progress.isConsoleOpen {
      var interests = [
        Readiness.Interest.read(progress.isQMPOpen ? qmp.descriptor : -1),
        .read(progress.isConsoleOpen ? console.descriptor : -1),
        .read(process.exitDescriptor), .read(panicLine.raw),
      ]
      let deadline = Deadline.earliest(progress.ports.deadline, progress.panic.nextLook(after: Self.pause))
      guard (try? Readiness.wait(&interests, until: deadline)) != nil else { break }
      if interests[1].isReadable { progress.isConsoleOpen = console.read() }
      if interests[0].isReadable { progress.isQMPOpen = qmp.receive { take($0, &progress) } }
      lookForPanic(&progress)
      if interests[2].isReadable {
        while progress.isConsoleOpen { progress.isConsoleOpen = console.read(waiting: false) }
        while progress.isQMPOpen { progress.isQMPOpen = qmp.receive(waiting: false) { take($0, &progress) } }
        break
      }
      if let reason = console.log.refusal, state.read({ $0.question }) == nil {
        die(.refused(reason: reason))
      }
      if let port = progress.ports.takeLost() { die(.agentLost(port, tail: console.log.tail())) }
    }
    noteExit(progress)
  }

  private func take(_ event: QMPEvent, _ progress: inout Progress) {
    progress.ports.note(event, isAgentUp: state.read { $0.question } != nil)
    guard event.name == "GUEST_PANICKED" else { return }
    progress.panic.noteEvent()
    console.catchUp()
    panic()
  }

  private func lookForPanic(_ progress: inout Progress) {
    let question = state.read { $0.question }
    if panicLine.lower() { progress.panic.noteLine(isAgentUp: question != nil) }
    if progress.panic.mustAsk() { progress.question = question?.ask() }
    progress.panic.look(hasAnswered: progress.question.flatMap { question?.hasAnswer($0) } ?? false)
    if progress.panic.verdict == .confirmed { panic() }
  }

  private func noteExit(_ progress: Progress) {
    let status = try? process.wait(until: .after(Self.exitTimeout))
    // A kernel that panics resets its machine: the suspicion was right.
    if panicLine.lower() || progress.panic.verdict == .suspected { return panic() }
    let shortage = status == .signaled(.kill) ? memory.shortage : nil
    die(.exited(status: status, errors: errors.tail, shortage: shortage, tail: console.log.tail()))
  }

  // MARK: The end

  /// The one place where a panic becomes the reason of a VM's end.
  private func panic() {
    guard state.read({ $0.cause == nil }) else { return }
    reports.endLog()
    let panic = reports.confirmPanic()
    die(.panicked(report: panic.report, line: panic.line, tail: console.log.tail(Self.panicLines)))
  }

  private func die(_ cause: MachineDeath) {
    guard state.read({ $0.cause == nil }) else { return }
    // Before the cause is known: whoever sees it finds the reports complete.
    reports.endLog()
    let final = state.update { state -> MachineDeath in
      let final = state.isExpected ? .ended : cause
      state.cause = final
      return final
    }
    qmp.fail(final)
    death.raise()
  }
}
