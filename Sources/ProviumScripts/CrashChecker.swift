import ProviumRuntime
import ProviumSystem

/// One of the VMs that check crash points side by side: the one that the script has, or a copy of it.
final class CrashChecker {
  let machine: Machine
  private let original: Machine
  /// The VM was resumed for checks, and each of them since then has passed: its disk can be exchanged.
  var isClean = false
  /// Output of `print` in the present check.
  var output = ""
  /// When the present check began.
  var began: UInt64 = 0

  init(_ machine: Machine, of original: Machine) {
    self.machine = machine
    self.original = original
  }

  var isCopy: Bool { machine !== original }

  /// The VM that takes the place of another one in this checker's functions; nil: none does.
  func machine(for other: Machine) -> Machine? { other === original ? machine : nil }

  /// Resumes the VM where that is necessary.
  /// - Parameter isFresh: also where only the contents of the disk would have to be exchanged.
  /// - Returns: false if the resource pool has no room for this checker, or other files wait for its place.
  func prepare(_ snapshot: MachineSnapshot, isFresh: Bool) throws -> Bool {
    if isCopy, machine.isWanted {
      machine.kill("other files need its place")
      return false
    }
    machine.noticeDeath()
    guard isFresh || !isClean || machine.state != .booted else { return true }
    isClean = false
    if isCopy {
      guard try machine.restoreCopy(snapshot, of: original) else { return false }
    } else {
      try machine.restore(snapshot)
    }
    isClean = true
    return true
  }
}
