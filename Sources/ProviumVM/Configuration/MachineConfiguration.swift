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
    files: [GuestFile] = [],
    shares: [SharedFolder] = [],
    root: String? = nil
  ) {
    self.profile = profile
    self.memory = memory
    self.cpus = cpus
    self.disks = disks
    boot = BootSource(append: append, files: files)
    if !shares.isEmpty { self.shares = shares }
    if let root { self.root = root }
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

  /// The guest's real time at the start of its boot, in seconds since 1970; nil: the host's time. A guest that starts at a
  /// time of its own keeps its own time in snapshots and fixtures.
  public var initialTime: Int64? {
    get { clock?.initialTime }
    set { setClock(GuestClock(initialTime: newValue, isFast: hasFastClock)) }
  }

  /// Whether the time during which the guest is idle passes at once, so that a program that sleeps for 1,000 seconds ends
  /// in a few. Needs emulation (`--accel tcg`), and a VM without network devices and served disks.
  public var hasFastClock: Bool {
    get { clock?.isFast ?? false }
    set { setClock(GuestClock(initialTime: initialTime, isFast: newValue)) }
  }

  /// The devices besides the disks and those that every VM has.
  package var devices: [any MachineDevice] {
    get { otherDevices.map(\.device) }
    set { otherDevices = newValue.map { AnyMachineDevice($0) } }
  }

  /// The disks that Provium itself serves, in order. In the guest they come after `disks`.
  public var servedDisks: [ServedDisk] {
    get { devices.compactMap { $0 as? ServedDisk } }
    set { devices = devices.filter { !($0 is ServedDisk) } + newValue }
  }
  /// The network devices, in the order of their numbers.
  package var networkDevices: [NetworkDevice] { devices.compactMap { $0 as? NetworkDevice } }

  /// Sets which network devices the guest has, by their numbers.
  mutating func setPlugged(_ isPlugged: (Int) -> Bool) {
    var number = 0
    devices = devices.map { device in
      guard var network = device as? NetworkDevice else { return device }
      network.isPlugged = isPlugged(number)
      number += 1
      return network
    }
  }

  /// All folders of the host that the guest sees, in the order of their numbers.
  package var sharedFolders: [SharedFolder] { devices.compactMap { $0 as? SharedFolder } }

  /// Folders of the host that the guest can read.
  public var shares: [SharedFolder] {
    get { sharedFolders.filter { !$0.isRoot } }
    set {
      devices = devices.filter { ($0 as? SharedFolder)?.isRoot ?? true } + newValue
    }
  }

  /// A folder of the host as the guest's root, such as `/`, or an archive: a tar file (also compressed), a container image in an
  /// OCI layout, or one of `docker save`. What the guest changes is kept in its memory.
  public var root: String? {
    get { rootShare.flatMap { $0.packages == nil ? $0.folder : nil } }
    set { rootShare = newValue.map { SharedFolder.root($0) } }
  }

  /// Debian packages that the guest's root is made of; nil: it is made otherwise.
  package var packages: [String]? {
    get { rootShare?.packages }
    set { rootShare = newValue.map { SharedFolder.root(packages: $0) } }
  }

  /// The share that is the guest's root.
  package var rootShare: SharedFolder? {
    get { sharedFolders.first(where: \.isRoot) }
    set {
      let others = devices.filter { !(($0 as? SharedFolder)?.isRoot ?? false) }
      devices = others + (newValue.map { [$0] } ?? [])
      // The root file system needs an initramfs that mounts it.
      if newValue != nil { boot.wantsUserland = true }
    }
  }

  /// A clock that differs from the host's; nil: the guest has the host's time.
  package var clock: GuestClock? { devices.lazy.compactMap { $0 as? GuestClock }.first }

  private mutating func setClock(_ clock: GuestClock) {
    devices.removeAll { $0 is GuestClock }
    if clock.initialTime != nil || clock.isFast { devices.append(clock) }
  }
}
