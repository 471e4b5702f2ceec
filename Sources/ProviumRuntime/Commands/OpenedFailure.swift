import Glibc
import ProviumSystem
import ProviumVM

/// A stopped copy of a kept VM, whose guest may be dead: for its console, gdb, and a core. Ends with `close`.
package final class OpenedFailure: Sendable {
  package let failure: KeptFailure
  let process: QEMUProcess
  let services: EngineServices
  private let hold: FailureStore.Hold
  /// The file with the whole memory of the copy.
  let memory: String

  private static let limit = Duration.seconds(60)

  /// Blocks until QEMU has loaded the copy.
  /// - Throws: `KeptFailureError`, if it does not fit this host.
  package init(_ failure: KeptFailure, _ hold: FailureStore.Hold, engine: Engine) throws {
    self.failure = failure
    self.hold = hold
    services = engine.services
    let snapshot = failure.snapshot
    let copy = snapshot.kept == .changes ? try services.assembledMemory(of: snapshot) : nil
    memory = copy ?? snapshot.memoryPath
    do {
      process = try VirtualMachine.openStopped(
        snapshot,
        on: services.host,
        writingTo: copy,
        until: Self.deadline(services, snapshot)
      )
    } catch {
      throw KeptFailureError.otherHost(id: failure.id, difference: "\(error)")
    }
  }

  private static func deadline(_ services: EngineServices, _ snapshot: Snapshot) -> Deadline {
    .after(limit * services.timeoutMultiplier(for: snapshot.conditions.architecture))
  }
  var deadline: Deadline { Self.deadline(services, failure.snapshot) }

  /// Ends the copy. Idempotent.
  package func close() { process.kill() }

  // MARK: The console

  /// Lets the processors run.
  package func proceed() throws { try process.proceed(until: deadline) }

  /// Passes the console's output on until QEMU ends or `mustEnd` says so. Blocks.
  package func followConsole(mustEnd: () -> Bool, output: (UnsafeRawBufferPointer) throws -> Void) throws {
    let file = try Descriptor.open(process.console.path, O_RDONLY)
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let isOver = process.child.poll() != nil || mustEnd()
      let count = buffer.withUnsafeMutableBytes { read(file.raw, $0.baseAddress, $0.count) }
      if count > 0 {
        try buffer.withUnsafeBytes { try output(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
      } else if isOver {
        return
      } else {
        // A regular file has no event for new bytes that poll could wait for.
        usleep(10_000)
      }
    }
  }

  /// Writes to the guest's serial port. Blocks while the guest does not read, for a second at most.
  package func writeConsole(_ bytes: [UInt8]) throws {
    _ = try process.monitor.writeConsole(bytes, until: .after(.seconds(1)))
  }
}
