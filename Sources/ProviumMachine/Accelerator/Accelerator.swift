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
  /// Empty for KVM; else why it is not: `/dev/kvm does not run guest code`.
  package let reason: String
  /// Emulated code runs this many times slower than the host's own, by measurement (`EmulationProbe`).
  package let slowdown: Double?

  package init(_ accelerator: Accelerator, reason: String = "", slowdown: Double? = nil) {
    self.accelerator = accelerator
    self.reason = reason
    self.slowdown = slowdown
  }

  /// Guests are emulated, for `reason`; what that costs is measured once per boot of the host.
  package static func emulated(reason: String, cache: String) -> AcceleratorVerdict {
    AcceleratorVerdict(.tcg, reason: reason, slowdown: EmulationProbe.slowdown(cache: cache))
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

/// Proves KVM by running guest code, once per boot of the host and user.
package enum AcceleratorProbe {
  /// What a look at the device gives.
  package enum Finding: Sendable, Hashable {
    case usable
    case unusable(reason: String)
  }

  /// - Parameters:
  ///   - device: `/dev/kvm`; tests give others.
  ///   - limit: of the guest's run.
  package static func look(at device: String = "/dev/kvm", limit: Duration = .seconds(1)) -> Finding {
    finding(probe(device, limit), device: device)
  }

  private static func probe(_ device: String, _ limit: Duration = .seconds(1)) -> clinux_kvm_verdict {
    clinux_kvm_probe(device, Int32(limit.inSeconds * 1000))
  }

  private static func finding(_ verdict: clinux_kvm_verdict, device: String) -> Finding {
    switch verdict.outcome {
    case CLINUX_KVM_USABLE: return .usable
    case CLINUX_KVM_CANNOT_OPEN:
      switch verdict.detail {
      case ENOENT: return .unusable(reason: "no \(device)")
      case EACCES, EPERM:
        return .unusable(reason: "no permission for \(device) (is the user in the group kvm?)")
      default: return .unusable(reason: "\(device) does not open: \(Errno(verdict.detail).name)")
      }
    case CLINUX_KVM_NO_MACHINE:
      return .unusable(reason: "\(device) makes no machine: \(Errno(verdict.detail).name)")
    case CLINUX_KVM_WRONG_RESULTS: return .unusable(reason: "\(device) runs guest code wrongly")
    case CLINUX_KVM_TIMED_OUT: return .unusable(reason: "\(device) does not finish a small guest in time")
    default: return .unusable(reason: "\(device) does not run guest code")
    }
  }

  /// The verdict for guests of the host's own architecture, from the cache when this boot of the host has one.
  package static func verdict(cache: String, device: String = "/dev/kvm") -> AcceleratorVerdict {
    let key = "\(HostFacts.bootID) \(getuid()) \(device)"
    let path = "\(cache)/kvm-verdict"
    let kept = ((try? Files.readText(path)) ?? "").split(separator: "\n", omittingEmptySubsequences: false)
    let finding: Finding
    if kept.count >= 2, kept[0] == key, access(device, R_OK | W_OK) == 0 {
      finding = kept[1].isEmpty ? .usable : .unusable(reason: String(kept[1]))
    } else {
      let found = probe(device)
      finding = self.finding(found, device: device)
      // A device that was not there, not permitted or busy may be mended at any time: only a run that was tried is kept.
      if found.outcome != CLINUX_KVM_CANNOT_OPEN, found.outcome != CLINUX_KVM_NO_MACHINE {
        let text = if case .unusable(let reason) = finding { reason } else { "" }
        try? Files.createDirectories(cache)
        try? Files.replace(path, with: Array("\(key)\n\(text)\n".utf8))
      }
    }
    switch finding {
    case .usable: return AcceleratorVerdict(.kvm)
    case .unusable(let reason): return .emulated(reason: reason, cache: cache)
    }
  }
}
