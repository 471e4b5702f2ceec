import ProviumArchitecture
import ProviumBoot
import ProviumSystem
import ProviumVM

/// Checks that QEMU for guests of the host's own architecture is installed and, without KVM, that it emulates.
enum QEMUCheck {
  static func finding(cache: String, isEmulating: Bool) -> HostFinding {
    let installation = "apt-get install \(GuestPlatform.named(HostFacts.machine)?.qemuPackage ?? "qemu-system-misc")"
    do {
      let qemu = try QEMUBinary.find(architecture: HostFacts.machine, cache: cache)
      if isEmulating { _ = try EmulationProbe.slowdown(qemu, cache: cache) }
      return HostFinding(.good, "QEMU", "\(qemu.version) (\(qemu.path))")
    } catch let error as EmulationProbe.Failure {
      return HostFinding(.bad, "QEMU", "\(error)", remedy: "\(installation), with its recommended packages")
    } catch {
      return HostFinding(.bad, "QEMU", "\(error)", remedy: installation)
    }
  }
}
