import Glibc
import ProviumEvents
package import ProviumSystem
import ProviumVM

/// The serial console of a VM handle, from the first byte of its present VM on. Belongs to its scope's thread.
///
/// A boot, a resume or a restore begins a new console. After the VM's end, what it had shown can still be read.
package final class MachineConsole {
  package let buffer = StreamBuffer()
  private let machine: Machine
  /// The VM whose console is read, by its number in events.
  private var number = 0
  private var file: Reading?

  /// The file of a console. It stays readable when it is moved.
  private struct Reading: ~Copyable {
    let descriptor: Descriptor
    var offset: off_t = 0
  }

  /// Bytes that are read at once.
  private static let piece = 64 << 10
  /// The time between two looks for new bytes.
  private static let pause = Duration.milliseconds(10)

  package init(of machine: Machine) { self.machine = machine }

  /// Reads into the buffer. Blocks until something has come, the VM has ended, or `deadline`.
  package func read(until deadline: Deadline) throws {
    try follow()
    while true {
      let isOver = machine.state != .booted || machine.virtualMachine?.causeOfDeath != nil
      machine.virtualMachine?.process.monitor.catchUpWithConsole()
      if try take() { return }
      guard !isOver else {
        buffer.isEnded = true
        return
      }
      guard !deadline.isExpired, !machine.context.cancellation.isRequested,
        !machine.context.limits.deadline.isExpired
      else { return }
      machine.context.sleep(min(Self.pause, deadline.remaining))
    }
  }

  /// Writes to the guest's serial port.
  /// - Returns: whether the guest took all bytes before `deadline`.
  package func write(_ bytes: [UInt8], until deadline: Deadline) throws -> Bool {
    let vm = try machine.usable()
    return try machine.guarded(on: vm) {
      try vm.process.monitor.writeConsole(bytes, until: deadline) == bytes.count
    }
  }

  /// Opens the console of the present VM and empties the buffer, if that VM is another one than before.
  package func follow() throws {
    guard let log = machine.consoleLog else {
      throw ProviumError(
        .invalidUse,
        "the machine is not booted yet, so it has no console: call vm:boot() first"
      )
    }
    guard number != machine.identifier || file == nil else { return }
    let kept = MachineFiles.console(of: machine.identifier, in: machine.context.services.run.path)
    let descriptor: Descriptor
    if Files.exists(log.path) {
      descriptor = try Descriptor.open(log.path, O_RDONLY)
    } else {
      descriptor = try Descriptor.open(kept, O_RDONLY)
    }
    file = Reading(descriptor: descriptor)
    number = machine.identifier
    buffer.removeAll()
  }

  /// Returns whether there was something new.
  private func take() throws -> Bool {
    guard let raw = file?.descriptor.raw, let offset = file?.offset else { return false }
    let count = withUnsafeTemporaryAllocation(byteCount: Self.piece, alignment: 16) { memory in
      let count = pread(raw, memory.baseAddress, memory.count, offset)
      if count > 0 { buffer.append(UnsafeRawBufferPointer(rebasing: memory[..<count])) }
      return count
    }
    guard count >= 0 else { throw SystemError("read", "the console of \(machine.label)") }
    file?.offset += count
    return count > 0
  }
}
