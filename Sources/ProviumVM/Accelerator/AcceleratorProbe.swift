internal import CLinux
import Glibc
import ProviumSystem

/// Proves KVM by running guest code, once per boot of the host and user.
package enum AcceleratorProbe {
  /// The result of a probe.
  package enum Finding: Sendable, Hashable {
    case usable
    /// It makes VMs. Guest code was not run, since the probe has none for this host's architecture.
    case unproven
    /// - isLasting: shown by running guest code, and not because the host was busy.
    case unusable(DeviceObstacle, reason: String, isLasting: Bool)

    /// Empty unless it is unusable.
    fileprivate var reason: String {
      if case .unusable(_, let reason, _) = self { reason } else { "" }
    }

    /// False for a device that was absent, forbidden or busy: that can change at any time.
    fileprivate var isKept: Bool {
      switch self {
      case .usable: true
      case .unproven: false
      case .unusable(_, _, let isLasting): isLasting
      }
    }
  }

  /// Runs guest code now.
  /// - Parameters:
  ///   - device: `/dev/kvm`; tests give others.
  ///   - limit: the longest time that the guest code may run.
  package static func look(at device: String = "/dev/kvm", limit: Duration = .seconds(1)) -> Finding {
    finding(clinux_kvm_probe(device, Int32(limit.inSeconds * 1000)), device: device)
  }

  private static func finding(_ verdict: clinux_kvm_verdict, device: String) -> Finding {
    let errno = Errno(verdict.detail)
    switch verdict.outcome {
    case CLINUX_KVM_USABLE: return .usable
    case CLINUX_KVM_UNPROVEN: return .unproven
    case CLINUX_KVM_CANNOT_OPEN:
      let reason = DeviceObstacle.reason(cannotOpen: device, errno, hint: "is the user in the group kvm?")
      return .unusable(DeviceObstacle(errno), reason: reason, isLasting: false)
    case CLINUX_KVM_NO_MACHINE:
      return .unusable(.broken, reason: "\(device) makes no VM: \(errno.name)", isLasting: false)
    case CLINUX_KVM_WRONG_RESULTS:
      return .unusable(.broken, reason: "\(device) runs guest code wrongly", isLasting: true)
    case CLINUX_KVM_TIMED_OUT:
      // A busy host causes that, too.
      return .unusable(.broken, reason: "\(device) does not finish a small guest in time", isLasting: false)
    default: return .unusable(.broken, reason: "\(device) does not run guest code", isLasting: true)
    }
  }

  /// Returns the verdict for guests of the host's own architecture, from the cache where this boot of the host has one.
  /// - Parameter look: runs guest code; tests give its result.
  package static func verdict(
    cache: String,
    device: String = "/dev/kvm",
    look: (String) -> Finding = { AcceleratorProbe.look(at: $0) }
  ) -> AcceleratorVerdict {
    let note = CacheNote("\(cache)/kvm-verdict", key: "\(HostFacts.bootID) \(getuid()) \(device)")
    let finding: Finding
    if let kept = note.value, access(device, R_OK | W_OK) == 0 {
      finding = kept.isEmpty ? .usable : .unusable(.broken, reason: kept, isLasting: true)
    } else {
      finding = look(device)
      if finding.isKept { note.write(finding.reason) }
    }
    switch finding {
    case .usable: return AcceleratorVerdict(.kvm)
    case .unproven:
      return AcceleratorVerdict(
        .kvm,
        reason: "\(device) makes VMs; that they run is not proven on \(HostFacts.machine)"
      )
    case .unusable(let obstacle, let reason, _):
      return AcceleratorVerdict(.tcg, reason: reason, obstacle: obstacle)
    }
  }
}
