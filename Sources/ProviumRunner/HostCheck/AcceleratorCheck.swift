import ProviumVM

/// Says whether guests run with KVM, and otherwise what emulation costs.
enum AcceleratorCheck {
  static func finding(_ verdict: AcceleratorVerdict) -> HostFinding {
    if verdict.accelerator == .kvm {
      let text = verdict.reason.isEmpty ? "kvm (runs guest code)" : verdict.description
      return HostFinding(.good, "accelerator", text)
    }
    return HostFinding(
      .limited,
      "accelerator",
      verdict.description,
      remedy: verdict.obstacle == .forbidden
        ? "adduser $USER kvm, and log in again"
        : "guests are emulated: their code runs 10 to 20 times slower; time limits are multiplied by "
          + "\(Int(TimeoutMultiplier.standard(for: verdict.accelerator))) (--timeout-multiplier)"
    )
  }
}
