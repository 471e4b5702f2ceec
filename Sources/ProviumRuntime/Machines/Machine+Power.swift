import ProviumSystem
import ProviumVM

/// The buttons of the machine, as far as the guest goes on or may go on.
extension Machine {
  private static let limit = Duration.seconds(10)

  /// Stops the guest's processors. Its clocks stand still until `unpause`; a shutdown unpauses it first. Idempotent.
  package func pause() throws {
    guard !isHalted else { return }
    // Not QMP's `stop` alone: QEMU then flushes the disks, and what the guest has not flushed must not become durable.
    try command { try $0.pause(until: $1) }
    isHalted = true
  }

  /// Lets the guest's processors run again. Idempotent.
  package func unpause() throws {
    guard isHalted else { return }
    isHalted = false
    try command { try $0.proceed(until: $1) }
  }

  /// Sends a non-maskable interrupt to the guest's processors.
  package func injectNMI() throws { try command { try $0.qmp.command("inject-nmi", until: $1) } }

  /// Presses the power button, to which the guest reacts as its programs or its kernel decide. Does not wait.
  package func pressPowerButton() throws { try command { try $0.qmp.command("system_powerdown", until: $1) } }

  private func command(_ body: (QEMUProcess, Deadline) throws -> Void) throws {
    let machine = try usable()
    do {
      try guarded(on: machine) { try body(machine.process, .after(Self.limit * timeoutMultiplier)) }
    } catch let error as QMPError {
      throw ProviumError(.refused, "\(label): \(error)", cause: error)
    }
  }
}
