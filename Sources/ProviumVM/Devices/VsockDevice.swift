/// The vsock device, through which the host connects to the agent.
struct VsockDevice: MachineDevice {
  static let kind = "vsock"
  static let descriptor = "vhost"

  var kernelModules: [String] { ["vmw_vsock_virtio_transport"] }

  func openDescriptors(_ descriptors: LaunchDescriptors) throws {
    let reserved = try GuestCID.reserve()
    descriptors.contextID = reserved.number
    descriptors.add(Self.descriptor, reserved.takeDescriptor())
  }

  func qemuArguments(_ context: DeviceContext) -> [String] {
    let vhost = context.wiring.descriptor(Self.descriptor)
    return ["-device", "vhost-vsock-pci,id=vsock,guest-cid=\(context.wiring.contextID),vhostfd=\(vhost)"]
  }
}
