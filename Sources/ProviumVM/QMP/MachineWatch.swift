import Glibc
import Logging
import Synchronization
import ProviumAgentClient
package import ProviumJSON
package import ProviumSystem
internal import CLinux

/// Watches everything that a machine says by itself, on one thread: QMP, the console, and QEMU's exit. Whoever waits for
/// the guest is told at once when the machine dies, and why.
package final class MachineWatch: Liveness, Sendable {
  private struct State {
    var cause: MachineDeath?
    var replies: [QMPMessage] = []
    var events: [QMPEvent] = []
    var isGreeted = false
    /// Whoever closes a port from now on is not starting any more.
    var isAgentUp = false
    /// Said by us: what comes now is no accident.
    var isExpected = false
  }
  private let state = Monitor(State())
  private let process: ChildProcess
  private let qmp: Descriptor
  private let consoleSocket: Descriptor
  private let console: ConsoleLog
  private let errors: QEMUErrors
  private let log: Logger
  /// Readable for ever once the machine is dead.
  private let death: Descriptor
  private let commandTurn = Monitor(())
  /// Held from the read to the log: lines keep their order whoever reads.
  private let consoleTurn = Mutex<Void>(())
  private let thread = Monitor<DedicatedThread?>(nil)

  /// QMP lines longer than this are no QMP.
  private static let lineLimit = 1 << 20
  private static let eventLimit = 1000
  private static let readSize = 32768

  init(
    process: ChildProcess,
    qmp: consuming Descriptor,
    consoleSocket: consuming Descriptor,
    console: ConsoleLog,
    errors: QEMUErrors,
    log: Logger = .silent
  ) throws {
    self.process = process
    self.qmp = qmp
    self.consoleSocket = consoleSocket
    self.console = console
    self.errors = errors
    self.log = log
    let event = clinux_eventfd()
    guard event >= 0 else { throw SystemError("make an eventfd", "", Errno(-event)) }
    death = Descriptor(owning: event)
    let started = try DedicatedThread(name: "vm-\(process.pid)", stackSize: 512 << 10) { [self] in watch() }
    thread.update { $0 = started }
  }

  /// After the process has been reaped: waits for the thread's end.
  func join() { thread.read { $0 }?.join() }

  // MARK: Liveness

  package var descriptors: [Int32] { [death.raw] }
  package func causeOfDeath() -> (any Error)? { state.read { $0.cause } }

  /// The death that we cause is no accident.
  func expectEnd() { state.update { $0.isExpected = true } }

  /// The agent has answered: from here on it keeps its ports open as long as it lives.
  func expectAgent() { state.update { $0.isAgentUp = true } }

  // MARK: QMP

  /// Sends one command and waits for its reply. Any thread; one at a time.
  @discardableResult
  package func command(
    _ name: String,
    _ arguments: KeyValuePairs<String, JSONValue> = [:],
    passing descriptor: Int32? = nil,
    until deadline: Deadline
  ) throws -> JSONValue {
    let line = QMPCommand.line(name, arguments)
    return try commandTurn.update { _ in
      let isReady: Void? = try state.wait(until: deadline) { state in
        if let cause = state.cause { throw cause }
        return state.isGreeted ? () : nil
      }
      guard isReady != nil else { throw QMPError.timedOut(command: name) }
      try send(line, passing: descriptor, command: name)
      let reply = try state.wait(until: deadline) { state -> QMPMessage? in
        if !state.replies.isEmpty { return state.replies.removeFirst() }
        if let cause = state.cause { throw cause }
        return nil
      }
      switch reply {
      case .reply(let value)?: return value
      case .failure(let reason)?: throw QMPError.refused(command: name, reason: reason)
      default: throw QMPError.timedOut(command: name)
      }
    }
  }

  private func send(_ line: [UInt8], passing descriptor: Int32?, command: String) throws {
    log.debug("QMP > \(Self.text(line[...]))")
    if let descriptor {
      let result = line.withUnsafeBytes { clinux_send_fd(qmp.raw, $0.baseAddress, $0.count, descriptor) }
      guard result == 0 else { throw SystemError("send the QMP command", command, Errno(-result)) }
    } else {
      try Files.writeAll(line, to: qmp.raw, path: "QMP")
    }
  }

  /// Waits for an event that `match` accepts, also one that has already come and was not taken.
  package func event(until deadline: Deadline, _ match: (QMPEvent) -> Bool) throws -> QMPEvent? {
    try state.wait(until: deadline) { state -> QMPEvent? in
      if let index = state.events.firstIndex(where: match) { return state.events.remove(at: index) }
      if let cause = state.cause { throw cause }
      return nil
    }
  }

  package func forgetEvents() { state.update { $0.events.removeAll() } }

  // MARK: The thread

  private func watch() {
    var pending: [UInt8] = []
    var open = (qmp: true, console: true)
    var ports = PortWatch()
    while open.qmp || open.console {
      var interests = [
        Readiness.Interest.read(open.qmp ? qmp.raw : -1), .read(open.console ? consoleSocket.raw : -1),
        .read(process.exitDescriptor),
      ]
      guard (try? Readiness.wait(&interests, until: ports.deadline)) != nil else { break }
      if interests[1].isReadable { open.console = drainConsole() }
      if interests[0].isReadable { open.qmp = drainQMP(&pending, &ports) }
      if interests[2].isReadable {
        // What it still had to say first.
        while open.console { open.console = drainConsole(waiting: false) }
        while open.qmp { open.qmp = drainQMP(&pending, &ports, waiting: false) }
        break
      }
      if let port = ports.takeLost() { die { _ in .agentLost(port, tail: console.tail()) } }
    }
    // A socket may end a moment before the process does.
    let status = try? process.wait(until: .after(.seconds(5)))
    die { state in .exited(status: status, errors: errors.tail, panic: console.panic, tail: console.tail()) }
  }

  /// Reads what is in the console's socket at this moment, and no more: a guest may go on for ever.
  package func catchUpWithConsole() {
    var waiting: Int32 = 0
    guard ioctl(consoleSocket.raw, UInt(FIONREAD), &waiting) == 0 else { return }
    for _ in 0..<(Int(waiting) + Self.readSize - 1) / Self.readSize where !drainConsole() { return }
    // Somebody else may have read it, and not have logged it yet.
    consoleTurn.withLock { _ in }
  }

  private func drainConsole(waiting: Bool = true) -> Bool {
    consoleTurn.withLock { _ in readConsole(waiting: waiting) }
  }

  private func readConsole(waiting: Bool) -> Bool {
    drain(consoleSocket.raw, waiting: waiting) { bytes in
      let before = console.panic
      console.append(bytes)
      if before == nil, let panic = console.panic {
        // With panic=-1 QEMU would soon exit or pause; the line on the console is the first word of it.
        die { _ in .panicked(line: panic, tail: console.tail()) }
      } else if let refusal = console.refusal {
        die { _ in .refused(reason: refusal) }
      }
    }
  }

  private func drainQMP(_ pending: inout [UInt8], _ ports: inout PortWatch, waiting: Bool = true) -> Bool {
    let isOpen = drain(qmp.raw, waiting: waiting) { pending.append(contentsOf: $0) }
    while let end = pending.firstIndex(of: 0x0a) {
      log.debug("QMP < \(Self.text(pending[..<end]))")
      if let message = QMPMessage(line: pending[..<end]) { receive(message, &ports) }
      pending.removeSubrange(...end)
    }
    if pending.count > Self.lineLimit { pending.removeAll() }
    return isOpen
  }

  private func drain(_ descriptor: Int32, waiting: Bool, _ take: (UnsafeRawBufferPointer) -> Void) -> Bool {
    withUnsafeTemporaryAllocation(byteCount: Self.readSize, alignment: 16) { buffer in
      let count = recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
      if count > 0 {
        take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        return true
      }
      return count < 0 && (errno == EINTR || (waiting && errno == EAGAIN))
    }
  }

  private func receive(_ message: QMPMessage, _ ports: inout PortWatch) {
    switch message {
    case .greeting:
      // Its reply opens the door for everybody else's commands.
      try? send(QMPCommand.line("qmp_capabilities", [:]), passing: nil, command: "qmp_capabilities")
    case .reply, .failure:
      state.update { state in
        if state.isGreeted { state.replies.append(message) } else { state.isGreeted = true }
      }
    case .event(let event):
      state.update { state in
        if state.events.count < Self.eventLimit { state.events.append(event) }
      }
      ports.note(event, isAgentUp: state.read { $0.isAgentUp })
      if event.name == "GUEST_PANICKED" {
        die { _ in .panicked(line: console.panic ?? "Kernel panic", tail: console.tail()) }
      }
    }
  }

  /// A line of QMP for the log, without its line end.
  private static func text(_ line: ArraySlice<UInt8>) -> String {
    String(decoding: line, as: UTF8.self).trimmed
  }

  private func die(_ cause: (borrowing State) -> MachineDeath) {
    let isFirst = state.update { state -> Bool in
      guard state.cause == nil else { return false }
      state.cause = state.isExpected ? .ended : cause(state)
      return true
    }
    if isFirst {
      var one: UInt64 = 1
      _ = write(death.raw, &one, 8)
    }
  }
}

/// Why a machine is dead.
package enum MachineDeath: Error, Sendable, CustomStringConvertible {
  /// We ended it.
  case ended
  case panicked(line: String, tail: [String])
  /// Provium's wrapper in the guest, process 1 until the guest's init takes over, cannot go on.
  case refused(reason: String)
  /// The agent, or its control process, has closed its port.
  case agentLost(AgentPort, tail: [String])
  case exited(status: ExitStatus?, errors: [String], panic: String?, tail: [String])

  package var description: String {
    switch self {
    case .ended: return "the machine was ended"
    case .refused(let reason): return "the guest cannot be started: \(reason)"
    case .panicked(let line, _): return "the guest's kernel panicked: \(line)"
    case .agentLost(let port, _):
      return "\(port.owner) is gone: its port was closed (was it killed, or were its descriptors closed?)"
    case .exited(let status, let errors, let panic, _):
      if let panic { return "the guest's kernel panicked: \(panic)" }
      let said = errors.isEmpty ? "" : ": \(errors.joined(separator: "; "))"
      if status == .exited(0), errors.isEmpty { return "the guest powered itself off, or rebooted" }
      return "QEMU ended (\(status.map { "\($0)" } ?? "no status"))\(said)"
    }
  }
}

/// What a QMP command came to, when it failed.
package enum QMPError: Error, Sendable, CustomStringConvertible {
  case refused(command: String, reason: String)
  case timedOut(command: String)

  package var description: String {
    switch self {
    case .refused(let command, let reason): "QEMU refused \(command): \(reason)"
    case .timedOut(let command): "QEMU did not answer \(command) in time"
    }
  }
}
