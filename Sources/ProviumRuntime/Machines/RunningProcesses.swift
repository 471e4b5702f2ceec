import ProviumVM
import Synchronization

/// The QEMU processes of a scope, by VM handle, for other threads. Thread-safe.
package final class RunningProcesses: Sendable {
  /// The process of one VM handle; empty while it has none.
  final class Slot: Sendable {
    private let process = Mutex<QEMUProcess?>(nil)

    func set(_ process: QEMUProcess?) { self.process.withLock { $0 = process } }
    func kill() { process.withLock { $0 }?.kill() }
    var consoleTail: [String]? { process.withLock { $0 }?.console.tail(20) }
  }
  private let slots = Mutex<[Slot]>([])

  func add() -> Slot {
    let slot = Slot()
    slots.withLock { $0.append(slot) }
    return slot
  }

  /// Ends every process: operations that wait for one of these guests fail.
  func killAll() { for slot in slots.withLock({ $0 }) { slot.kill() } }

  /// The last console lines of the VM that was created last and runs.
  package var consoleTail: [String] {
    slots.withLock { $0 }.reversed().lazy.compactMap(\.consoleTail).first ?? []
  }
}
