/// The factor by which time limits grow: the user's (`--timeout-multiplier`), or that of the guest's accelerator.
package enum TimeoutMultiplier {
  /// The factor for an accelerator. Emulated code was measured to run 10 to 20 times slower; a part of each test waits for
  /// timers or the host, which emulation does not slow down.
  package static func standard(for accelerator: Accelerator) -> Double {
    switch accelerator {
    case .kvm: 1
    case .tcg: 10
    }
  }
}
