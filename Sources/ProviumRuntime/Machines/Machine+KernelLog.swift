import ProviumAgentClient
import ProviumEvents
import ProviumSystem
import ProviumVM

/// Keeping the guest's kernel log in the run's directory, for the log of a file that fails.
extension Machine {
  private static let kernelLogPatience = Duration.seconds(5)

  /// Follows the kernel log of a VM that was just booted, from its first message on: the file has the boot also if the VM
  /// dies later.
  func followKernelLog(of machine: VirtualMachine, as number: Int) {
    let path = MachineFiles.kernelLog(of: number, in: context.services.run.path)
    // A guest without /dev/kmsg, or without a control connection, has no such log.
    guard let file = try? KernelLogFile(path: path) else { return }
    let limit = Self.kernelLogPatience * timeoutMultiplier
    do {
      try machine.agent.followKernelLog(from: .oldest, until: .after(limit)) { file.take($0) }
      isKernelLogFollowed = true
    } catch { try? Files.removeTree(path) }
  }

  /// Completes the file of the kernel log, since a test failed. Does nothing for a VM that does not answer.
  func keepKernelLog() {
    guard state == .booted, let machine = virtualMachine, machine.causeOfDeath == nil else { return }
    // A resumed VM was not followed: its resume must be quick.
    if !isKernelLogFollowed { followKernelLog(of: machine, as: identifier) }
    guard isKernelLogFollowed else { return }
    _ = try? machine.agent.syncKernelLog(until: .after(Self.kernelLogPatience * timeoutMultiplier))
  }
}
