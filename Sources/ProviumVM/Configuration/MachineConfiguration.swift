public import ProviumBoot
import ProviumSystem

/// The complete definition of a VM: what it boots, how large it is, and which devices it has.
///
/// ```swift
/// let configuration = MachineConfiguration(
///   profile: "debug",
///   memory: .gibibytes(1),
///   cpus: 2,
///   disks: [.image("data.img"), .image("tools.img", readOnly: true)],
///   files: [GuestFile("/etc/motd", "hi\n")]
/// )
/// ```
///
/// Paths of the host may be relative: they are taken from the folder of `provium.toml`.
public struct MachineConfiguration: Sendable, Hashable, Codable {
  /// The memory of a VM unless a configuration says otherwise: 512 MiB.
  public static let defaultMemory = MemorySize.mebibytes(512)

  /// The name of a `[profile.NAME]` table of `provium.toml`. Its settings apply where `boot` leaves them unset. The
  /// profile `default` boots a distribution's kernel.
  public var profile: String
  /// At least 64 MiB, in whole mebibytes.
  public var memory: MemorySize
  /// The number of processors: 1 to 255.
  public var cpus: Int
  /// The kernel, the initramfs, the root disk, and injected files.
  public var boot: BootSource
  /// Disks, in order: the first is `/dev/vda`, or `/dev/vdb` where `boot` has a root disk.
  public var disks: [Disk]
  /// The longest time that a boot may take, before the timeout multiplier. nil: `boot_timeout` of `provium.toml`, else
  /// 30 seconds.
  public var bootTimeLimit: Duration?

  private var otherDevices: [AnyMachineDevice] = []

  /// One processor, 512 MiB, the default profile.
  public init(
    profile: String = "default",
    memory: MemorySize = MachineConfiguration.defaultMemory,
    cpus: Int = 1,
    append: String = "",
    disks: [Disk] = [],
    files: [GuestFile] = []
  ) {
    self.profile = profile
    self.memory = memory
    self.cpus = cpus
    self.disks = disks
    boot = BootSource(append: append, files: files)
  }

  /// Words that are added to the kernel command line.
  public var append: String {
    get { boot.append }
    set { boot.append = newValue }
  }

  /// Files that are put into the guest before its init runs.
  public var files: [GuestFile] {
    get { boot.files }
    set { boot.files = newValue }
  }

  /// The devices besides the disks and those that every VM has.
  package var devices: [any MachineDevice] {
    get { otherDevices.map(\.device) }
    set { otherDevices = newValue.map { AnyMachineDevice($0) } }
  }

  /// The disks that this process provides, in order. In the guest they come after the other disks.
  package var servedDisks: [ServedDisk] { devices.compactMap { $0 as? ServedDisk } }
  /// The network devices, in the order of their numbers.
  package var networkDevices: [NetworkDevice] { devices.compactMap { $0 as? NetworkDevice } }

  // MARK: All devices

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
