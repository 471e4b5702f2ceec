/// All devices of a VM: those of its configuration, and those that every VM has.
extension MachineConfiguration {
  /// Every disk in the order of the guest: the root disk first, read only, where `boot` has one.
  package var allDisks: [Disk] { (boot.rootfs.map { [.image($0, readOnly: true)] } ?? []) + disks }

  /// Every device, in the order of QEMU's arguments.
  package func allDevices(on platform: Platform) -> [any MachineDevice] {
    let channel: any MachineDevice =
      switch platform.channel {
      case .virtioSerial: AgentPortsDevice()
      case .vsock: VsockDevice()
      }
    return [ConsoleDevice(), channel] + allDisks + devices + [PanicNotifierDevice(), GenerationIDDevice()]
  }

  /// The modules that the guest's kernel needs for its devices, each once.
  package func kernelModules(on platform: Platform) -> [String] {
    (["virtio_pci"] + allDevices(on: platform).flatMap(\.kernelModules)).uniqued()
  }

  /// The host files whose contents the guest can read: injected files, then those of the devices.
  /// - Throws: for a disk image whose files cannot be determined.
  package func hostInputs() throws -> [HostInput] {
    let files = boot.files.sorted { $0.path.lexicographicallyPrecedes($1.path) }.compactMap { file in
      if case .hostFile(let path) = file.contents {
        HostInput(role: "the injected file \(file.pathText)", path: path)
      } else {
        nil
      }
    }
    let root = boot.rootfs.map { [HostInput(role: "the root disk", path: $0)] } ?? []
    return try files + disks.flatMap { try $0.hostInputs() } + root + devices.flatMap { try $0.hostInputs() }
  }
}
