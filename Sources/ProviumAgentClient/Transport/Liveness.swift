/// The state of a VM as the layer that owns it knows it: every wait for the guest also waits for the end of
/// the VM.
///
/// Thread-safe. When a descriptor becomes readable although the VM runs, `causeOfDeath` must make it
/// unreadable again. After the VM has ended it stays readable.
package protocol Liveness: Sendable {
  /// Polled during every wait: QEMU's pidfd, an event that is raised at a panic. Read once for each
  /// connection.
  var descriptors: [Int32] { get }
  /// Returns why the VM has ended; nil while it runs. Called when a descriptor is readable. The error is
  /// thrown as it is.
  func causeOfDeath() -> (any Error)?
}
