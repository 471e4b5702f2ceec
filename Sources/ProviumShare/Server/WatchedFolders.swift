import Glibc
import ProviumSystem

/// The folders of one share that are watched, and for how long the guest's kernel may use what it was told of their files.
///
/// A change in a watched folder becomes a notice at once, so the kernel need not ask again each second.
struct WatchedFolders: Sendable {
  /// Seconds. Changes that inotify does not report (through a mapping of memory, or below a new mount) are seen after it.
  static let validity: UInt64 = 30
  /// Seconds, of what is not watched.
  static let shortValidity: UInt64 = 1

  private let watch: FolderWatch?
  private let share: ObjectIdentifier
  /// The file system of the folders. Others have other rules.
  private let device: UInt64
  /// Whether a folder was watched, or could not be, by its node.
  private var results: [UInt64: Bool] = [:]

  /// - Parameter watch: nil where changes are not reported: of network file systems, inotify sees those of this host alone.
  init(_ watch: FolderWatch?, share: ObjectIdentifier, device: UInt64) {
    self.watch = watch
    self.share = share
    self.device = device
  }

  /// Whether folders can be watched at all.
  var isPossible: Bool { watch != nil }

  func contains(_ node: UInt64) -> Bool { results[node] == true }

  /// Watches a folder, unless it was tried before. Call it before the files in it are looked at.
  mutating func add(_ node: UInt64, _ found: borrowing Descriptor) {
    guard let watch, results[node] == nil else { return }
    let isLocal = (try? HostFolder.status(found)).map { UInt64($0.st_dev) == device } ?? false
    results[node] = isLocal && watch.add(found, as: node, of: share)
  }

  /// The validity of a name in a folder, in seconds.
  func validity(in folder: UInt64, of status: stat) -> UInt64 {
    guard contains(folder), UInt64(status.st_dev) == device else { return Self.shortValidity }
    switch status.st_mode & S_IFMT {
    case S_IFDIR: return Self.validity
    // A file can be changed through another name of it, in a folder that is not watched.
    case S_IFREG: return status.st_nlink == 1 ? Self.validity : Self.shortValidity
    // The kernel reads a link that it has cached without a look at its attributes.
    default: return Self.shortValidity
    }
  }

  /// The validity of the attributes of a node, in seconds. Those of a folder change with its names.
  func validity(ofAttributes node: UInt64, in folder: UInt64, _ status: stat) -> UInt64 {
    if status.st_mode & S_IFMT == S_IFDIR {
      return contains(node) ? Self.validity : Self.shortValidity
    }
    return validity(in: folder, of: status)
  }

  /// Takes the changes since the last call.
  mutating func takeChanges() -> FolderWatch.Changes {
    guard let watch else { return FolderWatch.Changes() }
    let changes = watch.take(share)
    for change in changes.list where change.isLast { results[change.node] = false }
    return changes
  }
}
