import ProviumAgentClient
import ProviumEvents
import ProviumSystem
import ProviumVM

/// Keeping the guest's kernel log in the run's directory, for the log of a file that fails.
extension Machine {
  private static let kernelLogPatience = Duration.seconds(5)

  /// Makes the file for the VM that is booted next; nil if that is not possible, which loses a log and no test.
  func makeKernelLogFile() -> KernelLogFile? {
    try? KernelLogFile(path: MachineFiles.kernelLog(of: identifier, in: context.services.run.path))
  }

  /// Completes the file of the kernel log, since a test failed. Does nothing for a VM that does not answer.
  func keepKernelLog() {
    guard state == .booted, let machine = virtualMachine, machine.causeOfDeath == nil else { return }
    let limit = Deadline.after(Self.kernelLogPatience * timeoutMultiplier)
    if !isKernelLogKept, let file = makeKernelLogFile() {
      // A resumed VM has no file yet: its resume must be quick.
      do {
        try machine.replayKernelLog(until: limit) { file.take($0) }
        isKernelLogKept = true
      } catch { file.remove() }
    }
    guard isKernelLogKept else { return }
    _ = try? machine.agent.syncKernelLog(until: limit)
  }
}
