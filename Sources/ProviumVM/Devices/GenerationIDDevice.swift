/// A device that tells the guest's kernel of a resume, so that it reseeds its random numbers.
///
/// With KVM only: where the guest is emulated, the ACPI event takes 9 ms of each resume, and the agent reseeds in any case.
struct GenerationIDDevice: MachineDevice {
  static let kind = "generation-id"

  func qemuArguments(_ context: DeviceContext) -> [String] {
    context.platform.architecture.hasGenerationID && context.platform.accelerator == .kvm
      ? ["-device", "vmgenid,guid=auto"] : []
  }
}
