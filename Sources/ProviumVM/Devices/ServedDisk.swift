import ProviumBlock
import ProviumJSON
import ProviumSystem

/// A disk that Provium itself serves to QEMU, over an inherited socket. A test can make it fail, cut its power, and read and
/// change it from the host.
public struct ServedDisk: MachineDevice {
  /// The device that the guest sees. With virtio-blk every error is EIO in the guest; virtio-scsi passes some on.
  public enum Model: String, Sendable, Codable, CaseIterable {
    case virtioBlock = "virtio-blk"
    case virtioSCSI = "virtio-scsi"
    case nvme
    /// A stick: the guest's kernel needs xhci_pci and usb_storage.
    case usb
  }

  /// The write cache of the disk.
  public enum Cache: String, Sendable, Codable, CaseIterable {
    /// Writes are durable once the guest has flushed the disk.
    case volatile
    /// Writes are durable when they are answered.
    case none
  }

  package static let kind = "served-disk"

  /// The name for tests. It is the disk's serial number in the guest: `/sys/block/*/serial`.
  public var id: String
  /// The size in bytes.
  public var size: UInt64
  /// The path of a raw image with the initial contents, which is only read; nil: zeroes.
  public var image: String?
  /// The device that the guest sees.
  public var model = Model.virtioBlock
  /// The disk's write cache.
  public var cache = Cache.volatile
  /// 512 or 4096.
  public var sectorSize = 512
  /// Whether a virtio-blk or NVMe disk can be detached from the running VM. The others always can.
  public var isRemovable: Bool {
    get { hasPort ?? false }
    set { hasPort = newValue ? true : nil }
  }
  private var hasPort: Bool?
  /// The limit of the data that changes take, in bytes. Default: 4 GiB.
  public var overlayLimit: UInt64 = ServedDisk.defaultOverlayLimit
  /// The limit of the written data that the disk's log keeps, in bytes. Default: 256 MiB.
  public var logLimit: UInt64 = ServedDisk.defaultLogLimit
  /// The seed of all random choices: jitter, what survives a power cut, damage.
  public var seed: UInt64 = 1

  static let defaultOverlayLimit: UInt64 = 4 << 30
  static let defaultLogLimit: UInt64 = 256 << 20

  /// Creates a disk of zeroes.
  /// - Parameters:
  ///   - id: 1 to 20 letters, digits, `-` and `_`.
  ///   - size: in bytes; whole sectors.
  public init(id: String, size: UInt64) {
    self.id = id
    self.size = size
  }

  // MARK: MachineDevice

  package var kernelModules: [String] {
    switch model {
    case .virtioBlock: ["virtio_blk"]
    case .virtioSCSI: ["virtio_scsi", "sd_mod"]
    case .nvme: ["nvme"]
    case .usb: ["xhci_pci", "usb_storage", "sd_mod"]
    }
  }

  /// The name of the inherited socket.
  var descriptor: String { "disk-\(id)" }
  /// QEMU's names of the device and of the block node.
  var device: String { "disk-\(id)" }
  private var node: String { Self.node(id) }
  static func node(_ id: String) -> String { "nbd-\(id)" }
  /// The PCI slot of its own.
  private var port: String { "port-\(id)" }
  private var needsPort: Bool { isRemovable && (model == .virtioBlock || model == .nvme) }
  /// Whether the disk can be detached and attached.
  var canBeDetached: Bool { needsPort || model == .virtioSCSI || model == .usb }
  /// Whether the guest learns of another size.
  var canBeResized: Bool { model == .virtioBlock || model == .virtioSCSI }

  package func openDescriptors(_ descriptors: LaunchDescriptors) throws {
    try descriptors.addSocketPair(descriptor, buffer: NBDServer.socketBuffer)
  }

  package func qemuArguments(_ context: DeviceContext) -> [String] {
    let blockNode = JSONValue.object(
      Self.blockNode(node, socket: "\(context.wiring.descriptor(descriptor))")
    )
    // A chassis number is the slot's number in the guest; 0 is the machine's own.
    let slot =
      needsPort ? ["-device", "pcie-root-port,id=\(port),chassis=\(context.number + 1)"] : []
    let controller: [String] =
      switch model {
      case .virtioSCSI: ["-device", "virtio-scsi-pci,id=scsi-\(id)"]
      case .usb: ["-device", "qemu-xhci,id=usb-\(id)"]
      case .virtioBlock, .nvme: []
      }
    return ["-blockdev", blockNode.text] + slot + controller + ["-device", deviceArgument]
  }

  /// The arguments of `blockdev-add`.
  /// - Parameter socket: the number or the name of a descriptor that QEMU has.
  static func blockNode(_ node: String, socket: String) -> KeyValuePairs<String, JSONValue> {
    [
      "driver": .string("nbd"), "node-name": .string(node), "discard": .string("unmap"),
      "server": .object(["type": .string("fd"), "str": .string(socket)]), "export": .string(""),
      "cache": .object(["direct": .bool(false), "no-flush": .bool(false)]),
    ]
  }

  /// The arguments of `device_add`, for an attached node.
  var deviceMembers: [JSONValue.Member] {
    deviceArgument.split(separator: ",").enumerated().map { index, part in
      let words = part.split(separator: "=", maxSplits: 1)
      if index == 0 || words.count < 2 { return JSONValue.Member("driver", .string(String(part))) }
      return JSONValue.Member(String(words[0]), .string(String(words[1])))
    }
  }

  private var deviceArgument: String {
    let sectors = "logical_block_size=\(sectorSize),physical_block_size=\(max(sectorSize, 512))"
    let common = "drive=\(node),id=\(device),serial=\(id),\(sectors)"
    // An error must reach the guest: by default QEMU stops the VM for ENOSPC.
    let errors = "werror=report,rerror=report,write-cache=\(cache == .volatile ? "on" : "off")"
    let bus = needsPort ? ",bus=\(port)" : ""
    return switch model {
    case .virtioBlock: "virtio-blk-pci,\(common),\(errors)\(bus)"
    case .virtioSCSI: "scsi-hd,bus=scsi-\(id).0,\(common),\(errors)"
    case .nvme: "nvme,\(common)\(bus)"
    case .usb: "usb-storage,bus=usb-\(id).0,\(common),\(errors)"
    }
  }

  package func hostInputs() throws -> [HostInput] {
    image.map { [HostInput(role: "the image of the disk '\(id)'", path: $0)] } ?? []
  }

  package func snapshotIdentity(_ context: DeviceContext) -> [String] {
    qemuArguments(context.forComparison) + ["size=\(size)", "image=\(image ?? "")"]
  }

  // MARK: The disk

  private var properties: BlockDisk.Properties {
    var properties = BlockDisk.Properties(size: Int(size))
    properties.sectorSize = sectorSize
    properties.hasVolatileCache = cache == .volatile
    properties.overlayLimit = Int(clamping: overlayLimit)
    properties.logLimit = Int(clamping: logLimit)
    properties.seed = seed
    return properties
  }

  private var base: BaseContents {
    get throws { try image.map { .image(try LayerFile(reading: $0)) } ?? .zeroes }
  }

  /// A disk with its first contents.
  /// - Parameter folder: where temporary files are.
  func make(in folder: String) throws -> BlockDisk { try BlockDisk(properties, base: base, folder: folder) }

  /// A disk with contents that are saved in `snapshot`.
  func open(from snapshot: String, in folder: String) throws -> BlockDisk {
    try BlockDisk(properties, base: base, saved: "\(snapshot)/\(savedName)", folder: folder)
  }

  /// The name of its files in a snapshot.
  private var savedName: String { "served-\(id)" }
  var fileNames: [String] { BlockDisk.fileNames(savedName) }

  func save(_ disk: BlockDisk, to snapshot: String) throws { try disk.save(to: snapshot, name: savedName) }
}
