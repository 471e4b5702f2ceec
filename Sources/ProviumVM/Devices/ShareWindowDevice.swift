import ProviumAgentClient

/// Memory of this process that the guest reads as that of a PCI device, for long replies of shared folders. See `ShareWindow`.
///
/// Emulated guests have it: each page of a reply on a virtio-serial port costs them an exit. A guest on KVM could map the memory
/// uncached, which would be slower than the port.
struct ShareWindowDevice: MachineDevice {
  static let kind = "share-window"
  static let descriptor = "share-window"
  /// QEMU's name of the device, which some builds lack.
  static let model = "ivshmem-plain"

  func openDescriptors(_ descriptors: LaunchDescriptors) throws {
    descriptors.add(Self.descriptor, try ShareWindow.descriptor())
  }

  /// The mapping is private: memory that is shared would have to be at the address that it had when the VM was saved, which a
  /// device of a resumed VM gets later. The guest only reads, so its pages stay those of the descriptor.
  func qemuArguments(_ context: DeviceContext) -> [String] {
    let path = "/proc/self/fd/\(context.wiring.descriptor(Self.descriptor))"
    return [
      "-object", "memory-backend-file,id=share-window,size=\(ShareWindow.size),mem-path=\(path),share=off",
      "-device", "\(Self.model),memdev=share-window,master=on",
    ]
  }
}
