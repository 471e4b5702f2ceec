internal import CLinux
import Glibc
import ProviumSystem

/// Who executes guest code.
package enum Accelerator: String, Sendable, Codable, CaseIterable {
  case kvm, tcg
}

/// Which accelerator a run uses, and why.
package struct AcceleratorVerdict: Sendable, Hashable {
  package let accelerator: Accelerator
  /// Empty for KVM that was proven; else what is to be known of it: `/dev/kvm does not run guest code`.
  package let reason: String
  /// Why KVM is not used, where that can be mended; nil where it is, or nobody wants it.
  package let obstacle: DeviceObstacle?
  /// Emulated code runs this many times slower than the host's own, by measurement (`EmulationProbe`).
  package let slowdown: Double?

  package init(
    _ accelerator: Accelerator,
    reason: String = "",
    obstacle: DeviceObstacle? = nil,
    slowdown: Double? = nil
  ) {
    self.accelerator = accelerator
    self.reason = reason
    self.obstacle = obstacle
    self.slowdown = slowdown
  }

  /// Guests of `architecture` are emulated, for `reason`; what that costs is measured.
  package static func emulated(
    _ architecture: String,
    reason: String,
    obstacle: DeviceObstacle? = nil,
    cache: String
  ) -> AcceleratorVerdict {
    AcceleratorVerdict(
      .tcg,
      reason: reason,
      obstacle: obstacle,
      slowdown: EmulationProbe.slowdown(of: architecture, cache: cache)
    )
  }

  /// Time limits are multiplied by this. Half of a test's time is taken to be guest code, which emulation makes longer; the other
  /// half to be waiting (timers, sleeps, the host), which it does not. Four times where the cost was not measured.
  package var timeScale: Double {
    guard accelerator == .tcg else { return 1 }
    guard let slowdown else { return 4 }
    return ((1 + slowdown) / 2 * 10).rounded() / 10
  }

  /// `kvm`, `tcg: no /dev/kvm`.
  package var description: String {
    reason.isEmpty ? accelerator.rawValue : "\(accelerator.rawValue): \(reason)"
  }
}

/// What is between Provium and a device of the host, as far as the remedy depends on it.
package enum DeviceObstacle: Sendable, Hashable {
  case absent, forbidden, broken

  /// Of a device that does not open.
  init(_ errno: Errno) {
    switch errno.number {
    case ENOENT: self = .absent
    case EACCES, EPERM: self = .forbidden
    default: self = .broken
    }
  }
}

/// Proves KVM by running guest code, once per boot of the host and user.
package enum AcceleratorProbe {
  /// What a look at the device gives.
  package enum Finding: Sendable, Hashable {
    case usable
    /// It makes machines. What they run was not tried, for there is no guest code for this host's architecture.
    case unproven
    /// - isLasting: seen by running guest code, and not a matter of how busy the host was.
    case unusable(DeviceObstacle, reason: String, isLasting: Bool)

    /// A device that was not there, not permitted or busy may be mended at any time.
    fileprivate var isKept: Bool {
      switch self {
      case .usable: true
      case .unproven: false
      case .unusable(_, _, let isLasting): isLasting
      }
    }
  }

  /// - Parameters:
  ///   - device: `/dev/kvm`; tests give others.
  ///   - limit: of the guest's run.
  package static func look(at device: String = "/dev/kvm", limit: Duration = .seconds(1)) -> Finding {
    finding(clinux_kvm_probe(device, Int32(limit.inSeconds * 1000)), device: device)
  }

  private static func finding(_ verdict: clinux_kvm_verdict, device: String) -> Finding {
    let errno = Errno(verdict.detail)
    switch verdict.outcome {
    case CLINUX_KVM_USABLE: return .usable
    case CLINUX_KVM_UNPROVEN: return .unproven
    case CLINUX_KVM_CANNOT_OPEN:
      let obstacle = DeviceObstacle(errno)
      let reason =
        switch obstacle {
        case .absent: "no \(device)"
        case .forbidden: "no permission for \(device) (is the user in the group kvm?)"
        case .broken: "\(device) does not open: \(errno.name)"
        }
      return .unusable(obstacle, reason: reason, isLasting: false)
    case CLINUX_KVM_NO_MACHINE:
      return .unusable(.broken, reason: "\(device) makes no machine: \(errno.name)", isLasting: false)
    case CLINUX_KVM_WRONG_RESULTS:
      return .unusable(.broken, reason: "\(device) runs guest code wrongly", isLasting: true)
    case CLINUX_KVM_TIMED_OUT:
      // A host that is busy enough does that, too.
      return .unusable(.broken, reason: "\(device) does not finish a small guest in time", isLasting: false)
    default: return .unusable(.broken, reason: "\(device) does not run guest code", isLasting: true)
    }
  }

  /// The verdict for guests of the host's own architecture, from the cache when this boot of the host has one.
  /// - Parameter look: runs guest code; tests give what it finds.
  package static func verdict(
    cache: String,
    device: String = "/dev/kvm",
    look: (String) -> Finding = { AcceleratorProbe.look(at: $0) }
  ) -> AcceleratorVerdict {
    let key = "\(HostFacts.bootID) \(getuid()) \(device)"
    let path = "\(cache)/kvm-verdict"
    let kept = ((try? Files.readText(path)) ?? "").split(separator: "\n", omittingEmptySubsequences: false)
    let finding: Finding
    if kept.count >= 2, kept[0] == key, access(device, R_OK | W_OK) == 0 {
      finding = kept[1].isEmpty ? .usable : .unusable(.broken, reason: String(kept[1]), isLasting: true)
    } else {
      finding = look(device)
      if finding.isKept {
        let text = if case .unusable(_, let reason, _) = finding { reason } else { "" }
        try? Files.createDirectories(cache)
        try? Files.replace(path, with: Array("\(key)\n\(text)\n".utf8))
      }
    }
    switch finding {
    case .usable: return AcceleratorVerdict(.kvm)
    case .unproven:
      return AcceleratorVerdict(
        .kvm,
        reason: "\(device) makes machines; that they run is not proven on \(HostFacts.machine)"
      )
    case .unusable(let obstacle, let reason, _):
      return .emulated(HostFacts.machine, reason: reason, obstacle: obstacle, cache: cache)
    }
  }
}
