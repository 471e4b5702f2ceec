import ProviumArchitecture
import ProviumBoot
import Testing

@testable import ProviumVM

@Suite("QEMU's command line") struct QEMUCommandTests {
  private static let serial = Platform(architecture: .x86_64, accelerator: .tcg, channel: .virtioSerial)

  private var wiring: LaunchWiring {
    var wiring = LaunchWiring()
    wiring.descriptors = ["qmp": 10, "console": 11, "main": 12, "control": 13, "vhost": 14, "share": 14]
    wiring.contextID = 17
    return wiring
  }

  private func arguments(
    _ configuration: MachineConfiguration = MachineConfiguration(memory: .mebibytes(256)),
    on platform: Platform = serial,
    _ change: (inout LaunchWiring) -> Void = { _ in }
  ) -> [String] {
    var wiring = wiring
    change(&wiring)
    return QEMUCommand.arguments(configuration, on: platform, wiring: wiring)
  }

  private func contains(_ arguments: [String], _ part: [String]) -> Bool {
    arguments.indices.contains { arguments[$0...].starts(with: part) }
  }

  @Test("the arguments of a boot over virtio-serial are these, word by word") func boot() {
    let arguments = arguments {
      $0.kernel = LaunchKernel(kernel: "/k", initrd: "/i", append: "console=ttyS0")
    }
    #expect(
      arguments == [
        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-action", "panic=pause",
        "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
        "-accel", "tcg", "-cpu", "max,-erms,-fsrm", "-machine", "q35,memory-backend=ram", "-m", "256M",
        "-smp", "1", "-object", "memory-backend-ram,id=ram,size=256M",
        "-chardev", "socket,id=qmp,fd=10", "-mon", "chardev=qmp,mode=control",
        "-chardev", "socket,id=console,fd=11", "-serial", "chardev:console",
        "-device", "virtio-serial-pci,id=ports,max_ports=4", "-chardev", "socket,id=main,fd=12", "-device",
        "virtserialport,bus=ports.0,nr=1,id=port-main,chardev=main,name=org.provium.main",
        "-chardev", "socket,id=control,fd=13", "-device",
        "virtserialport,bus=ports.0,nr=2,id=port-control,chardev=control,name=org.provium.control",
        "-chardev", "socket,id=share,fd=14", "-device",
        "virtserialport,bus=ports.0,nr=3,id=port-share,chardev=share,name=org.provium.share",
        "-device", "pvpanic-pci", "-kernel", "/k", "-initrd", "/i", "-append", "console=ttyS0",
      ]
    )
  }

  @Test("a network device has a packet socket, its Ethernet address, and no boot ROM") func networkDevice() {
    var configuration = MachineConfiguration()
    configuration.devices = [
      NetworkDevice(address: "02:50:00:01:00:01"), NetworkDevice(address: "02:50:00:01:00:02", mtu: 9000),
    ]
    let arguments = arguments(configuration) { ($0.descriptors["nic0"], $0.descriptors["nic1"]) = (20, 21) }
    #expect(contains(arguments, ["-netdev", "dgram,id=net-nic0,local.type=fd,local.str=20"]))
    #expect(
      contains(
        arguments,
        ["-device", "virtio-net-pci,bus=port-nic0,netdev=net-nic0,id=nic0,mac=02:50:00:01:00:01,romfile="]
      )
    )
    #expect(
      contains(
        arguments,
        [
          "-device",
          "virtio-net-pci,bus=port-nic1,netdev=net-nic1,id=nic1,mac=02:50:00:01:00:02,host_mtu=9000,romfile=",
        ]
      )
    )
    #expect(configuration.kernelModules(on: Self.serial).contains("virtio_net"))
  }

  @Test(
    "a network device of each model has its driver; one that is unplugged leaves its port",
    arguments: NetworkDevice.Model.allCases
  )
  func networkModels(model: NetworkDevice.Model) {
    var configuration = MachineConfiguration()
    var device = NetworkDevice(address: "02:50:00:01:00:01", model: model, mtu: 1400)
    configuration.devices = [device]
    func cards() -> [String] {
      arguments(configuration) { $0.descriptors["nic0"] = 20 }.filter { $0.contains("id=nic0") }
    }
    let limit = model == .virtio ? ",host_mtu=1400" : ""
    let driver = model == .virtio ? "virtio-net-pci" : model.rawValue
    #expect(
      cards() == ["\(driver),bus=port-nic0,netdev=net-nic0,id=nic0,mac=02:50:00:01:00:01\(limit),romfile="]
    )
    let port = "pcie-root-port,id=port-nic0,chassis=1,slot=1"
    #expect(arguments(configuration).contains(port))
    device.isPlugged = false
    configuration.devices = [device]
    #expect(cards().isEmpty)
    #expect(arguments(configuration).contains(port))
  }

  @Test("VMs that differ in the Ethernet addresses of their devices can be resumed from one snapshot")
  func networkIdentity() {
    func identity(_ addresses: String...) -> [String] {
      var configuration = MachineConfiguration()
      configuration.devices = addresses.map { NetworkDevice(address: $0) }
      return QEMUCommand.snapshotIdentity(configuration, on: Self.serial)
    }
    #expect(identity("02:50:00:01:00:01") == identity("02:50:00:01:00:02"))
    #expect(identity("02:50:00:01:00:01") != identity("02:50:00:01:00:01", "02:50:00:01:00:02"))
  }

  @Test("a VM with KVM has the host's processor and a generation ID, and vsock through a descriptor")
  func kvm() {
    let arguments = arguments(
      on: Platform(architecture: .x86_64, accelerator: .kvm, channel: .vsock)
    )
    #expect(contains(arguments, ["-accel", "kvm", "-cpu", "host"]))
    #expect(contains(arguments, ["-device", "vhost-vsock-pci,id=vsock,guest-cid=17,vhostfd=14"]))
    #expect(contains(arguments, ["-device", "vmgenid,guid=auto"]))
    #expect(!arguments.contains { $0.contains("virtio-serial") })
  }

  @Test("an aarch64 VM names its own machine and processor and has the devices of an x86-64 one")
  func aarch64() {
    let arguments = arguments(
      on: Platform(architecture: .aarch64, accelerator: .tcg, channel: .virtioSerial)
    )
    #expect(contains(arguments, ["-accel", "tcg", "-cpu", "max,pauth-impdef=on"]))
    #expect(contains(arguments, ["-machine", "virt,memory-backend=ram"]))
    #expect(contains(arguments, ["-device", "virtio-serial-pci,id=ports,max_ports=4"]))
    #expect(!arguments.contains { $0.contains("vmgenid") })
  }

  @Test("a resumed VM maps the snapshot's memory copy on write and waits for its state") func resume() {
    let arguments = arguments {
      $0.memory = .privateFile("/snap/memory")
      $0.isIncoming = true
    }
    #expect(
      contains(
        arguments,
        ["-object", "memory-backend-file,id=ram,size=256M,mem-path=/snap/memory,share=off"]
      )
    )
    #expect(arguments.suffix(2) == ["-incoming", "defer"])
    #expect(!arguments.contains("-kernel"))
  }

  @Test("disks are attached in order after the root disk, with commas in paths doubled") func disks() {
    var configuration = MachineConfiguration()
    configuration.boot.rootfs = "/root.img"
    configuration.disks = [
      .image("/a,b.img", readOnly: true), .image("/c.qcow2", format: .qcow2, discardsWrites: true),
      .image("/d.qcow2", format: .qcow2),
    ]
    let arguments = arguments(configuration) {
      $0.diskFiles = [3: DiskFile(path: "/copy", format: .qcow2, backing: "/b,ase")]
    }
    #expect(
      contains(
        arguments,
        [
          "-drive", "if=none,id=disk0,file=/root.img,format=raw,readonly=on", "-device",
          "virtio-blk-pci,drive=disk0",
          "-drive", "if=none,id=disk1,file=/a,,b.img,format=raw,readonly=on", "-device",
          "virtio-blk-pci,drive=disk1",
          "-drive", "if=none,id=disk2,file=/c.qcow2,format=qcow2,snapshot=on", "-device",
          "virtio-blk-pci,drive=disk2",
          "-drive", "if=none,id=disk3,file=/copy,format=qcow2,backing.file.filename=/b,,ase",
        ]
      )
    )
  }

  @Test("the identity of a snapshot does not depend on paths, descriptors, or what only a boot needs")
  func identity() {
    var saved = MachineConfiguration(disks: [.image("/project/data.img")])
    saved.boot.kernel = "/k"
    saved.append = "quiet"
    saved.files = [GuestFile("/a", "b")]
    let resumed = MachineConfiguration(disks: [.image("/cache/disk0")])
    let identity = QEMUCommand.snapshotIdentity(saved, on: Self.serial)
    #expect(QEMUCommand.snapshotIdentity(resumed, on: Self.serial) == identity)
    let changes: [(inout MachineConfiguration, inout Platform) -> Void] = [
      { configuration, _ in configuration.memory = .gibibytes(1) },
      { configuration, _ in configuration.cpus = 2 },
      { configuration, _ in configuration.disks = [] },
      { configuration, _ in configuration.disks[0].isReadOnly = true },
      { configuration, _ in configuration.disks[0].format = .qcow2 },
      { configuration, _ in configuration.boot.rootfs = "/root.img" },
      { configuration, _ in configuration.devices = [EntropyDevice()] },
      { _, platform in platform.accelerator = .kvm },
      { _, platform in platform.architecture = .aarch64 },
      { _, platform in platform.channel = .vsock },
    ]
    for change in changes {
      var (other, platform) = (resumed, Self.serial)
      change(&other, &platform)
      #expect(QEMUCommand.snapshotIdentity(other, on: platform) != identity)
    }
  }
}
