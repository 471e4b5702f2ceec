import ProviumSystem
import ProviumVM

/// Checks that QEMU can connect networks of VMs with the host: `provium.network(name, {host = true})`.
enum HostNetworkCheck {
  private static let subject = "host networks"

  /// nil where there is no QEMU, which `QEMUCheck` reports.
  static func finding(cache: String) -> HostFinding? {
    guard let qemu = try? QEMUBinary.find(architecture: .host, cache: cache) else { return nil }
    if qemu.hasUserNetwork { return HostFinding(.good, subject, "user-mode networking") }
    return HostFinding(
      .limited,
      subject,
      "\(qemu.path) is built without user-mode networking: networks with host = true are refused",
      remedy: "install a QEMU that is built with libslirp"
    )
  }
}
