import ProviumSystem
import ProviumVM

/// The VMs that were kept after failures.
extension EngineServices {
  /// The VMs that were kept after failures.
  package var keptFailures: FailureStore { failures.store }

  /// Makes the whole memory of a kept VM in the run's folder.
  func assembledMemory(of snapshot: Snapshot) throws -> String {
    try Files.createDirectories(run.snapshots, mode: 0o700)
    let path = "\(run.snapshots)/memory-\(nextMachineNumber())"
    try snapshot.assembleMemory(to: path)
    return path
  }
}
