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
    }
  }

  /// The name of the inherited socket.
  var descriptor: String { "disk-\(id)" }
  /// QEMU's names of the device and of the block node.
  var device: String { "disk-\(id)" }
  private var node: String { "nbd-\(id)" }

  package func openDescriptors(_ descriptors: LaunchDescriptors) throws {
    try descriptors.addSocketPair(descriptor)
  }

  package func qemuArguments(_ context: DeviceContext) -> [String] {
    let number = "\(context.wiring.descriptor(descriptor))"
    let blockNode = JSONValue.object([
      "driver": .string("nbd"), "node-name": .string(node), "discard": .string("unmap"),
      "server": .object(["type": .string("fd"), "str": .string(number)]), "export": .string(""),
      "cache": .object(["direct": .bool(false), "no-flush": .bool(false)]),
    ])
    return ["-blockdev", blockNode.text] + deviceArguments
  }

  private var deviceArguments: [String] {
    let sectors = "logical_block_size=\(sectorSize),physical_block_size=\(max(sectorSize, 512))"
    let common = "drive=\(node),id=\(device),serial=\(id),\(sectors)"
    // An error must reach the guest: by default QEMU stops the VM for ENOSPC.
    let errors = "werror=report,rerror=report,write-cache=\(cache == .volatile ? "on" : "off")"
    switch model {
    case .virtioBlock: return ["-device", "virtio-blk-pci,\(common),\(errors)"]
    case .virtioSCSI:
      return [
        "-device", "virtio-scsi-pci,id=scsi-\(id)", "-device", "scsi-hd,bus=scsi-\(id).0,\(common),\(errors)",
      ]
    case .nvme: return ["-device", "nvme,\(common)"]
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
