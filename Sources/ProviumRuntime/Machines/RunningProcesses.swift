import ProviumSystem
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

    /// Measures the process, with its console as the sign of progress: for boots.
    var sample: ExecutionSample {
      guard let process = process.withLock({ $0 }) else { return ExecutionSample() }
      let pid = process.child.pid
      return ExecutionSample(
        waiting: ProcessorWait.longest(ofProcess: pid).map { [pid: $0] } ?? [:],
        stolen: ProcessorWait.stolen,
        progress: (try? FileFacts(process.console.path).size) ?? 0
      )
    }
  }
  private let slots = Mutex<[Slot]>([])
  /// Counts the operations that ended.
  private let operations = Atomic<UInt64>(0)

  func add() -> Slot {
    let slot = Slot()
    slots.withLock { $0.append(slot) }
    return slot
  }

  /// Notes that an operation of one of the guests has ended.
  func noteOperation() { operations.add(1, ordering: .relaxed) }

  /// Measures all processes, with operations as the sign of progress.
  var sample: ExecutionSample {
    var sample = ExecutionSample(
      stolen: ProcessorWait.stolen,
      progress: operations.load(ordering: .relaxed)
    )
    for slot in slots.withLock({ $0 }) { sample.waiting.merge(slot.sample.waiting) { $1 } }
    return sample
  }

  /// Ends every process: operations that wait for one of these guests fail.
  func killAll() { for slot in slots.withLock({ $0 }) { slot.kill() } }

  /// The last console lines of the VM that was created last and runs.
  package var consoleTail: [String] {
    slots.withLock { $0 }.reversed().lazy.compactMap(\.consoleTail).first ?? []
  }
}
