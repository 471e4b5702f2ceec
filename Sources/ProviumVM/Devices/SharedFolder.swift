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
  /// The names of Debian packages that the root is made of; nil: `folder` is the root.
  package var packages: [String]?
  /// The folder of `RootCache` with the files of an archive or of packages; nil: they were not unpacked yet, or `folder` has the
  /// files.
  var unpacked: String?

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

  /// A folder of the host, or an archive, as the guest's root.
  package static func root(_ folder: String) -> SharedFolder {
    var share = SharedFolder(folder, at: "/")
    share.isRoot = true
    return share
  }

  /// A root of Debian packages.
  package static func root(packages: [String]) -> SharedFolder {
    var share = root("")
    share.packages = packages
    return share
  }

  /// Whether the files are those of an archive of the host, or of an OCI layout.
  var isArchive: Bool { isRoot && packages == nil && RootArchive.isArchive(folder) }
  /// The file that lists the attributes of files that were unpacked; nil for a folder of the host.
  package var attributesFile: String? { unpacked.map { "\($0)/attributes" } }

  // MARK: MachineDevice

  package var kernelModules: [String] { isRoot ? ["fuse", "overlay"] : ["fuse"] }

  package func qemuArguments(_ context: DeviceContext) -> [String] { [] }

  package func snapshotIdentity(_ context: DeviceContext) -> [String] {
    [
      path, folder, keepsOwners ? "owners" : "", isOneFileSystem ? "one file system" : "", unpacked ?? "",
    ]
  }

  package func hostInputs() throws -> [HostInput] {
    isArchive ? [HostInput(role: "the root archive", path: RootArchive.identity(folder))] : []
  }

  /// The settings of its file server.
  var settings: ShareSettings {
    var settings = ShareSettings(folder: unpacked.map { "\($0)/tree" } ?? folder)
    settings.attributes = attributesFile
    settings.owner = keepsOwners ? .host : .root
    settings.isOneFileSystem = isOneFileSystem
    return settings
  }
}
