/// The way in which guest code is executed.
package enum Accelerator: String, Sendable, Codable, CaseIterable {
  /// The processor itself, through /dev/kvm.
  case kvm
  /// QEMU's emulator.
  case tcg

  /// The factor by which time limits grow, unless the user sets another. Emulated code was measured to run 10 to 20 times
  /// slower; a part of each test waits for timers or the host, which emulation does not slow down.
  package var timeoutMultiplier: Double {
    switch self {
    case .kvm: 1
    case .tcg: 10
    }
  }
}
