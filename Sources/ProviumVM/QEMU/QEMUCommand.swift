package import ProviumBoot

/// A disk of a machine.
package struct DiskOptions: Sendable, Hashable, Codable {
  package var path: String
  /// `raw`, `qcow2`.
  package var format: String
  package var isReadOnly: Bool
  /// Writes go to a temporary overlay and are dropped.
  package var isSnapshot: Bool
  /// Where the file lies that a copied image takes the rest of its contents from, absolute; nil: as the image itself has it.
  package var backing: String?

  package init(path: String, format: String = "raw", isReadOnly: Bool = false, isSnapshot: Bool = false) {
    self.path = path
    self.format = format
    self.isReadOnly = isReadOnly
    self.isSnapshot = isSnapshot
  }
}

/// Where a machine's memory lies.
package enum MemoryBacking: Sendable, Hashable {
  case anonymous
  /// A file that the machine writes through to: the machine whose state becomes a snapshot.
  case sharedFile(String)
  /// A file mapped copy on write: a machine resumed from a snapshot.
  case privateFile(String)
}

/// How QEMU's machine reaches the host.
package enum ChannelWiring: Sendable, Hashable {
  /// Descriptors, in QEMU's numbering, of the main and the control port.
  case serial(main: Int32, control: Int32)
  case vsock(cid: UInt32, vhost: Int32)
}

/// What a machine is made of: everything that QEMU's command line says.
package struct MachineOptions: Sendable, Hashable {
  package var platform = GuestPlatform.x86_64
  package var accelerator = Accelerator.tcg
  /// Bytes.
  package var memory: UInt64 = 512 << 20
  package var backing = MemoryBacking.anonymous
  package var cpus = 1
  /// nil for a machine that only resumes.
  package var kernel: String?
  package var initrd: String?
  /// The kernel command line.
  package var append = ""
  package var disks: [DiskOptions] = []
  package var channel: ChannelWiring
  /// QEMU's number of the QMP socket, and of the pipe that the console goes to.
  package var qmp: Int32
  package var console: Int32
  /// Waits for a snapshot instead of booting.
  package var isIncoming = false

  package init(channel: ChannelWiring, qmp: Int32, console: Int32) {
    self.channel = channel
    self.qmp = qmp
    self.console = console
  }
}

/// The command line of QEMU, a pure function of the options.
package enum QEMUCommand {
  package static func arguments(_ options: MachineOptions) -> [String] {
    base(options) + memory(options) + console(options) + channel(options) + disks(options) + extras(options)
      + boot(options)
  }

  private static func base(_ options: MachineOptions) -> [String] {
    let isNative = options.accelerator == .kvm
    return [
      "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-action", "panic=pause",
      "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
      "-accel", options.accelerator.rawValue, "-cpu", isNative ? "host" : options.platform.emulatedProcessor,
      "-machine", "\(options.platform.machine),memory-backend=ram", "-m", "\(options.memory >> 20)M", "-smp",
      "\(options.cpus)",
    ]
  }

  private static func memory(_ options: MachineOptions) -> [String] {
    let size = "size=\(options.memory >> 20)M"
    let object =
      switch options.backing {
      case .anonymous: "memory-backend-ram,id=ram,\(size)"
      case .sharedFile(let path): "memory-backend-file,id=ram,\(size),mem-path=\(escaped(path)),share=on"
      case .privateFile(let path): "memory-backend-file,id=ram,\(size),mem-path=\(escaped(path)),share=off"
      }
    return ["-object", object]
  }

  private static func console(_ options: MachineOptions) -> [String] {
    [
      "-chardev", "socket,id=console,fd=\(options.console)", "-serial", "chardev:console",
      "-chardev", "socket,id=qmp,fd=\(options.qmp)", "-mon", "chardev=qmp,mode=control",
    ]
  }

  private static func channel(_ options: MachineOptions) -> [String] {
    switch options.channel {
    case .serial(let main, let control):
      [
        "-device", "virtio-serial-pci,id=ports,max_ports=3",
        "-chardev", "socket,id=main,fd=\(main)",
        "-device",
        "virtserialport,bus=ports.0,nr=1,id=\(AgentPort.main.rawValue),chardev=main,name=org.provium.main",
        "-chardev", "socket,id=control,fd=\(control)",
        "-device",
        "virtserialport,bus=ports.0,nr=2,id=\(AgentPort.control.rawValue),chardev=control,name=org.provium.control",
      ]
    case .vsock(let cid, let vhost):
      ["-device", "vhost-vsock-pci,id=vsock,guest-cid=\(cid),vhostfd=\(vhost)"]
    }
  }

  private static func disks(_ options: MachineOptions) -> [String] {
    options.disks.enumerated().flatMap { index, disk in
      [
        "-drive",
        "if=none,id=disk\(index),file=\(escaped(disk.path)),format=\(disk.format)"
          + (disk.isReadOnly ? ",readonly=on" : "") + (disk.isSnapshot ? ",snapshot=on" : "")
          + (disk.backing.map { ",backing.file.filename=\(escaped($0))" } ?? ""),
        "-device", "virtio-blk-pci,drive=disk\(index)",
      ]
    }
  }

  /// A device that reports panics, and one that tells the kernel of a resume.
  private static func extras(_ options: MachineOptions) -> [String] {
    // Emulated, the ACPI event of `vmgenid` takes 9 ms of each resume; the agent reseeds in any case.
    options.platform.hasGenerationID && options.accelerator == .kvm
      ? ["-device", "pvpanic-pci", "-device", "vmgenid,guid=auto"] : ["-device", "pvpanic-pci"]
  }

  private static func boot(_ options: MachineOptions) -> [String] {
    var arguments: [String] = []
    if let kernel = options.kernel { arguments += ["-kernel", kernel] }
    if let initrd = options.initrd { arguments += ["-initrd", initrd] }
    if !options.append.isEmpty, options.kernel != nil { arguments += ["-append", options.append] }
    return arguments + (options.isIncoming ? ["-incoming", "defer"] : [])
  }

  /// A comma ends a value unless it is doubled.
  private static func escaped(_ path: String) -> String {
    path.split(separator: ",", omittingEmptySubsequences: false).joined(separator: ",,")
  }
}
