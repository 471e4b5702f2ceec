/// The way in which guest code is executed.
package enum Accelerator: String, Sendable, Codable, CaseIterable {
  /// The processor itself, through /dev/kvm.
  case kvm
  /// QEMU's emulator.
  case tcg
}
