import ProviumSystem
import ProviumVM

/// The buttons of the machine, as far as the guest goes on or may go on.
extension Machine {
  private static let limit = Duration.seconds(10)

  /// Stops the guest's processors. Its clocks stand still until `unpause`; a shutdown unpauses it first. Idempotent.
  package func pause() throws {
    guard !isHalted else { return }
    try command("stop")
    isHalted = true
  }

  /// Lets the guest's processors run again. Idempotent.
  package func unpause() throws {
    guard isHalted else { return }
    isHalted = false
    try command("cont")
  }

  /// Sends a non-maskable interrupt to the guest's processors.
  package func injectNMI() throws { try command("inject-nmi") }

  /// Presses the power button, to which the guest reacts as its programs or its kernel decide. Does not wait.
  package func pressPowerButton() throws { try command("system_powerdown") }

  private func command(_ name: String) throws {
    let machine = try usable()
    do {
      _ = try guarded(on: machine) {
        try machine.process.qmp.command(name, until: .after(Self.limit * timeoutMultiplier))
      }
    } catch let error as QMPError {
      throw ProviumError(.refused, "\(label): \(error)", cause: error)
    }
  }
}
