import ProviumShare

/// A folder of the host that the guest can read. This process is its file server, so QEMU knows nothing of it.
public struct SharedFolder: MachineDevice {
  package static let kind = "share"

  /// The path in the guest, absolute. Folders that are missing are made. `/` for the guest's root.
  public var path: String
  /// The folder of the host.
  public var folder: String
  /// Whether files keep their owner. If not, those of the user who runs Provium belong to root in the guest.
  public var keepsOwners: Bool
  /// Whether folders on other file systems of the host appear empty.
  public var isOneFileSystem: Bool
  /// Whether the folder is the guest's root, with an overlay in memory for what the guest changes.
  package var isRoot = false

  /// A folder of the host at a path of the guest, read only.
  /// - Parameters:
  ///   - folder: relative to the folder of `provium.toml`, or absolute.
  ///   - path: the path in the guest, absolute.
  ///   - keepingOwners: whether files keep their owner.
  ///   - oneFileSystem: whether folders on other file systems of the host appear empty.
  public init(
    _ folder: String,
    at path: String,
    keepingOwners: Bool = false,
    oneFileSystem: Bool = false
  ) {
    self.path = path
    self.folder = folder
    keepsOwners = keepingOwners
    isOneFileSystem = oneFileSystem
  }

  /// A folder of the host as the guest's root.
  package static func root(_ folder: String) -> SharedFolder {
    var share = SharedFolder(folder, at: "/")
    share.isRoot = true
    return share
  }

  // MARK: MachineDevice

  package var kernelModules: [String] { isRoot ? ["fuse", "overlay"] : ["fuse"] }

  package func qemuArguments(_ context: DeviceContext) -> [String] { [] }

  package func snapshotIdentity(_ context: DeviceContext) -> [String] {
    [path, folder, keepsOwners ? "owners" : "", isOneFileSystem ? "one file system" : ""]
  }

  /// The settings of its file server.
  var settings: ShareSettings {
    var settings = ShareSettings(folder: folder)
    settings.owner = keepsOwners ? .host : .root
    settings.isOneFileSystem = isOneFileSystem
    return settings
  }
}
