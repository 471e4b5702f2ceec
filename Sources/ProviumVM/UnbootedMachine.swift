import ProviumBoot

/// A VM whose boot has failed, while its QEMU still runs.
package struct UnbootedMachine {
  let name: String
  package let process: QEMUProcess
  let qemu: QEMUBinary
  let image: BootImage
  let shares: MachineShares
  /// Why the boot has failed, in words.
  package let reason: String
}
