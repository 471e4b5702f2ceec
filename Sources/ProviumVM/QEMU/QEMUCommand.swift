import ProviumSystem

/// The command line of QEMU, a pure function of the configuration, the platform, and the launch's wiring.
package enum QEMUCommand {
  static let qmpDescriptor = "qmp"

  package static func arguments(
    _ configuration: MachineConfiguration,
    on platform: Platform,
    wiring: LaunchWiring
  ) -> [String] {
    base(configuration, platform) + memory(configuration, wiring.memory) + monitor(wiring)
      + devices(configuration, platform, wiring) { $0.qemuArguments($1) } + boot(wiring)
  }

  /// The arguments without what differs from launch to launch, and each device's identity: two VMs whose states fit each other
  /// have the same.
  package static func snapshotIdentity(
    _ configuration: MachineConfiguration,
    on platform: Platform
  ) -> [String] {
    let wiring = LaunchWiring.comparison
    return base(configuration, platform) + memory(configuration, wiring.memory) + monitor(wiring)
      + devices(configuration, platform, wiring) { [type(of: $0).kind] + $0.snapshotIdentity($1) }
      + boot(wiring)
  }

  private static func base(_ configuration: MachineConfiguration, _ platform: Platform) -> [String] {
    let processor = platform.accelerator == .kvm ? "host" : platform.architecture.emulatedProcessor
    return [
      "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-action", "panic=pause",
      "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
      "-accel", platform.accelerator.rawValue, "-cpu", processor,
      "-machine", "\(platform.architecture.qemuMachine),memory-backend=ram",
      "-m", configuration.memory.mebibytes, "-smp", "\(configuration.cpus)",
    ]
  }

  private static func memory(_ configuration: MachineConfiguration, _ backing: MemoryBacking) -> [String] {
    let size = "size=\(configuration.memory.mebibytes)"
    let object =
      switch backing {
      case .anonymous: "memory-backend-ram,id=ram,\(size)"
      case .sharedFile(let path):
        "memory-backend-file,id=ram,\(size),mem-path=\(QEMUValue.escaped(path)),share=on"
      case .privateFile(let path):
        "memory-backend-file,id=ram,\(size),mem-path=\(QEMUValue.escaped(path)),share=off"
      }
    return ["-object", object]
  }

  private static func monitor(_ wiring: LaunchWiring) -> [String] {
    [
      "-chardev", "socket,id=qmp,fd=\(wiring.descriptor(qmpDescriptor))", "-mon", "chardev=qmp,mode=control",
    ]
  }

  private static func devices(
    _ configuration: MachineConfiguration,
    _ platform: Platform,
    _ wiring: LaunchWiring,
    _ arguments: (any MachineDevice, DeviceContext) -> [String]
  ) -> [String] {
    var counts: [String: Int] = [:]
    return configuration.allDevices(on: platform).flatMap { device in
      let number = counts[type(of: device).kind, default: 0]
      counts[type(of: device).kind] = number + 1
      return arguments(device, DeviceContext(platform: platform, number: number, wiring: wiring))
    }
  }

  private static func boot(_ wiring: LaunchWiring) -> [String] {
    var arguments: [String] = []
    if let boot = wiring.kernel {
      arguments += ["-kernel", boot.kernel]
      if let initrd = boot.initrd { arguments += ["-initrd", initrd] }
      if !boot.append.isEmpty { arguments += ["-append", boot.append] }
    }
    return arguments + (wiring.isIncoming ? ["-incoming", "defer"] : [])
  }
}
