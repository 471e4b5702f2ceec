/// The accelerator of a run, and the reason for the choice.
package struct AcceleratorVerdict: Sendable, Hashable {
  package let accelerator: Accelerator
  /// Empty for KVM that was proven; else a remark: `/dev/kvm does not run guest code`.
  package let reason: String
  /// Why KVM cannot be used, where a user can change that; nil where it is used, or was not asked for.
  package let obstacle: DeviceObstacle?

  package init(_ accelerator: Accelerator, reason: String = "", obstacle: DeviceObstacle? = nil) {
    self.accelerator = accelerator
    self.reason = reason
    self.obstacle = obstacle
  }

  /// `kvm`, `tcg: no /dev/kvm`.
  package var description: String {
    reason.isEmpty ? accelerator.rawValue : "\(accelerator.rawValue): \(reason)"
  }
}
