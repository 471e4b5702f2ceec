/// Copies of a VM, which save time: handles that `MachineSet.addCopy` creates.
extension Machine {
  /// Makes this handle a VM in the state of a snapshot of `original`. What it had before is gone.
  /// - Returns: false if the resource pool has no room, or is needed by others: then the handle has no VM.
  package func restoreCopy(_ snapshot: MachineSnapshot, of original: Machine) throws -> Bool {
    if virtualMachine != nil { discard("restored") }
    let saved = snapshot.point.snapshot
    guard let reservation = try context.admission.admitSpare(resumeRequest(for: saved)) else { return false }
    bootConfiguration = original.bootConfiguration
    try resume(from: snapshot.point, admitted: reservation)
    return true
  }

  /// Whether other files wait for what this handle's VM has.
  package var isWanted: Bool { context.admission.isWanted }
}
