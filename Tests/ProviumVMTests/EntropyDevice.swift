@testable import ProviumVM

/// A virtio entropy source: a device that only tests add.
struct EntropyDevice: MachineDevice {
  static let kind = "entropy"

  var source = "/dev/urandom"
  var kernelModules: [String] { ["virtio_rng"] }

  func qemuArguments(_ context: DeviceContext) -> [String] {
    let name = "entropy\(context.number)"
    return [
      "-object", "rng-random,id=\(name),filename=\(source)", "-device", "virtio-rng-pci,rng=\(name)",
    ]
  }
}
