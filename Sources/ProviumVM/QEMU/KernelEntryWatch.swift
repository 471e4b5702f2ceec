import ProviumSystem

/// Recognises a kernel that does not leave its entry code: it resets the VM, or halts or loops there, before its first message.
/// Asks QEMU for the processor's registers on a thread of its own, and ends a VM whose kernel is stuck.
final class KernelEntryWatch: Sendable {
  private enum State { case watching, stuck, ended }
  private let state = Monitor(State.watching)
  private let process: QEMUProcess

  /// A kernel leaves its entry code within milliseconds of its time.
  private static let patience = Duration.seconds(5)
  private static let interval = Duration.seconds(1)
  private static let answerLimit = Duration.seconds(5)
  /// Kernel code runs above, the entry code below it, where memory is mapped to its physical addresses.
  private static let kernelAddresses: UInt64 = 0xffff_8000_0000_0000

  init(_ process: QEMUProcess) throws {
    self.process = process
    _ = try DedicatedThread(name: "entry-\(process.child.pid)", stackSize: 512 << 10) { [self] in watch() }
  }

  /// Ends the thread. Does not wait for it.
  func end() { state.update { if $0 == .watching { $0 = .ended } } }

  /// How a VM that has shown no message ended, as a verb; nil: not by its kernel's entry code.
  var silentEnd: String? {
    if state.read({ $0 }) == .stuck { return "got stuck" }
    guard case .exited(.exited(0)?, _, nil, _)? = process.monitor.causeOfDeath() as? MachineDeath else {
      return nil
    }
    return "reset the VM"
  }

  private func watch() {
    var pause = Self.patience
    var wasInEntryCode = false
    while pauseEnds(after: pause), process.console.reached == .qemu {
      let isInEntryCode = isProcessorInEntryCode()
      if isInEntryCode, wasInEntryCode {
        let isFirst = state.update { state -> Bool in
          guard state == .watching else { return false }
          state = .stuck
          return true
        }
        if isFirst { process.kill() }
        return
      }
      wasInEntryCode = isInEntryCode
      pause = Self.interval
    }
  }

  /// Returns false if the watch ended meanwhile. Time in which the processors waited for one of the host's does not count.
  private func pauseEnds(after pause: Duration) -> Bool {
    let pid = process.child.pid
    let limit = FairDeadline(length: pause) {
      ExecutionSample(
        waiting: ProcessorWait.longest(ofProcess: pid).map { [pid: $0] } ?? [:],
        stolen: ProcessorWait.stolen
      )
    }
    return state.wait(until: limit.deadline) { $0 == .watching ? nil : () } == nil
  }

  private func isProcessorInEntryCode() -> Bool {
    let reply = try? process.qmp.command(
      "human-monitor-command",
      ["command-line": .string("info registers")],
      until: .after(Self.answerLimit)
    )
    guard case .string(let registers)? = reply, let address = Self.instructionAddress(registers) else {
      return false
    }
    return address < Self.kernelAddresses
  }

  /// The first processor's instruction pointer in QEMU's text: `RIP=ffffffff81000000`, or `EIP=…` outside 64-bit mode.
  static func instructionAddress(_ registers: String) -> UInt64? {
    guard let range = registers.firstRange(of: "IP=") else { return nil }
    return UInt64(registers[range.upperBound...].prefix { $0.isHexDigit }, radix: 16)
  }
}
