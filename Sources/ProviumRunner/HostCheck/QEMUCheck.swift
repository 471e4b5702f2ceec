import ProviumArchitecture
import ProviumBoot
import ProviumSystem
import ProviumVM

/// Checks that QEMU for guests of the host's own architecture is installed and, without KVM, that it emulates.
enum QEMUCheck {
  static func finding(cache: String, isEmulating: Bool) -> HostFinding {
    let installation =
      "apt-get install \((try? Architecture.host)?.qemuPackage ?? "qemu-system-misc")"
    do {
      let qemu = try QEMUBinary.find(architecture: .host, cache: cache)
      if isEmulating { try qemu.checkEmulation() }
      return HostFinding(.good, "QEMU", "\(qemu.version) (\(qemu.path))")
    } catch let error as QEMUBinary.CannotEmulate {
      return HostFinding(.bad, "QEMU", "\(error)", remedy: "\(installation), with its recommended packages")
    } catch {
      return HostFinding(.bad, "QEMU", "\(error)", remedy: installation)
    }
  }
}
