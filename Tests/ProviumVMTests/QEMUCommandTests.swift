import ProviumBoot
import Testing

@testable import ProviumVM

@Suite("QEMU's command line") struct QEMUCommandTests {
  private func options(_ change: (inout MachineOptions) -> Void) -> [String] {
    var options = MachineOptions(channel: .serial(main: 12, control: 13), qmp: 10, console: 11)
    options.memory = 256 << 20
    change(&options)
    return QEMUCommand.arguments(options)
  }
  private func contains(_ arguments: [String], _ part: [String]) -> Bool {
    arguments.indices.contains { arguments[$0...].starts(with: part) }
  }

  @Test("of a boot over virtio-serial, word by word") func boot() {
    let arguments = options {
      $0.kernel = "/k"
      $0.initrd = "/i"
      $0.append = "console=ttyS0"
    }
    #expect(
      arguments == [
        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-action", "panic=pause",
        "-sandbox",
        "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny", "-accel", "tcg", "-cpu",
        "max,-erms,-fsrm",
        "-machine", "q35,memory-backend=ram", "-m", "256M", "-smp", "1", "-object",
        "memory-backend-ram,id=ram,size=256M", "-chardev", "socket,id=console,fd=11", "-serial",
        "chardev:console",
        "-chardev", "socket,id=qmp,fd=10", "-mon", "chardev=qmp,mode=control", "-device",
        "virtio-serial-pci,id=ports,max_ports=3", "-chardev", "socket,id=main,fd=12", "-device",
        "virtserialport,bus=ports.0,nr=1,id=port-main,chardev=main,name=org.provium.main", "-chardev",
        "socket,id=control,fd=13",
        "-device", "virtserialport,bus=ports.0,nr=2,id=port-control,chardev=control,name=org.provium.control",
        "-device",
        "pvpanic-pci", "-kernel", "/k", "-initrd", "/i", "-append",
        "console=ttyS0",
      ]
    )
  }

  @Test("uses KVM with the host's processor, and vsock through a descriptor") func kvm() {
    let arguments = options {
      $0.accelerator = .kvm
      $0.channel = .vsock(cid: 17, vhost: 14)
    }
    #expect(contains(arguments, ["-accel", "kvm", "-cpu", "host"]))
    #expect(contains(arguments, ["-device", "vhost-vsock-pci,id=vsock,guest-cid=17,vhostfd=14"]))
    #expect(!arguments.contains { $0.contains("virtio-serial") })
  }

  @Test("of an aarch64 guest names its machine and processor, and has what the x86-64 one has") func aarch64()
  {
    let arguments = options {
      $0.platform = .aarch64
      $0.kernel = "/k"
    }
    #expect(contains(arguments, ["-accel", "tcg", "-cpu", "max,pauth-impdef=on"]))
    #expect(contains(arguments, ["-machine", "virt,memory-backend=ram"]))
    #expect(contains(arguments, ["-device", "virtio-serial-pci,id=ports,max_ports=3"]))
    #expect(!arguments.contains { $0.contains("vmgenid") })
  }

  @Test("maps a snapshot's memory copy on write, and waits for its state") func resume() {
    let arguments = options {
      $0.backing = .privateFile("/snap/memory")
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

  @Test("of a resume is the same as that of the machine that was saved, but for what no guest can tell")
  func invariant() {
    var saved = MachineOptions(channel: .serial(main: 12, control: 13), qmp: 10, console: 11)
    saved.backing = .sharedFile("/building/memory-1")
    saved.kernel = "/k"
    saved.append = "quiet"
    saved.disks = [DiskOptions(path: "disk0")]
    var resumed = MachineOptions(channel: .serial(main: 3, control: 4), qmp: 5, console: 6)
    resumed.backing = .privateFile("/cache/memory")
    resumed.isIncoming = true
    resumed.disks = [DiskOptions(path: "/cache/disk0", isSnapshot: true)]
    #expect(saved.invariant == resumed.invariant)
    let changes: [(inout MachineOptions) -> Void] = [
      { $0.memory *= 2 }, { $0.cpus = 2 }, { $0.disks = [] }, { $0.disks[0].isReadOnly = true },
      { $0.accelerator = .kvm }, { $0.platform = .aarch64 }, { $0.channel = .vsock(cid: 7, vhost: 14) },
    ]
    for change in changes {
      var other = resumed
      change(&other)
      #expect(QEMUCommand.arguments(other.invariant) != QEMUCommand.arguments(saved.invariant))
    }
  }

  @Test("attaches disks in order, with commas in paths doubled") func disks() {
    let arguments = options {
      $0.disks = [
        DiskOptions(path: "/a,b.img", isReadOnly: true),
        DiskOptions(path: "/c.qcow2", format: "qcow2", isSnapshot: true),
        DiskOptions(path: "/copy", format: "qcow2"),
      ]
      $0.disks[2].backing = "/b,ase"
    }
    #expect(
      contains(
        arguments,
        [
          "-drive", "if=none,id=disk0,file=/a,,b.img,format=raw,readonly=on", "-device",
          "virtio-blk-pci,drive=disk0",
          "-drive", "if=none,id=disk1,file=/c.qcow2,format=qcow2,snapshot=on", "-device",
          "virtio-blk-pci,drive=disk1",
          "-drive", "if=none,id=disk2,file=/copy,format=qcow2,backing.file.filename=/b,,ase",
        ]
      )
    )
  }
}

@Suite("What QEMU says") struct QMPMessageTests {
  private func kind(_ line: String) -> String {
    switch QMPMessage(line: Array(line.utf8)) {
    case .greeting: "greeting"
    case .reply: "reply"
    case .failure(let reason): "failure: \(reason)"
    case .event(let event): "event: \(event.name)"
    case nil: "nothing"
    }
  }

  @Test(
    "is told apart",
    arguments: [
      ("{\"QMP\": {\"version\": {}}}", "greeting"), ("{\"return\": {}}", "reply"),
      ("{\"error\": {\"class\": \"X\", \"desc\": \"no\"}}", "failure: no"),
      ("{\"event\": \"STOP\", \"timestamp\": {\"seconds\": 1}}", "event: STOP"),
      ("{\"other\": 1}", "nothing"),
      ("garbage", "nothing"), ("", "nothing"), ("[1,2]", "nothing"),
    ]
  )
  func kinds(line: String, expected: String) { #expect(kind(line) == expected) }
}
