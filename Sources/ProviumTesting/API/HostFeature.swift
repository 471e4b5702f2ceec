import ProviumRunner
import ProviumRuntime

/// A feature of the host that a test can require: see `.requires(_:)`.
public enum HostFeature: Sendable, Hashable {
  /// QEMU is installed: VMs can be started.
  case virtualMachines
  /// KVM runs guests of the host's architecture; they are not emulated.
  case kvm
  /// The host reaches its guests over vsock.
  case vsock

  /// Why the host does not have the feature; nil if it has, or if Provium cannot run at all.
  var unavailabilityReason: String? {
    guard let engine = SharedEngine.engine else { return nil }
    switch self {
    case .virtualMachines: return engine.qemuComplaint
    case .kvm: return engine.accelerator.accelerator == .kvm ? nil : "no KVM: \(engine.accelerator.reason)"
    case .vsock: return engine.channel.kind == .vsock ? nil : "no vsock: \(engine.channel.reason)"
    }
  }
}
