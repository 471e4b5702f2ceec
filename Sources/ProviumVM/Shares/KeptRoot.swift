import Glibc
import ProviumSystem

/// A root in the cache, see `RootCache`.
package struct KeptRoot: Sendable {
  /// The folder of the root: `CACHE/roots/KEY`.
  package let place: String
  /// Bytes on the disk.
  package let size: UInt64
  /// In nanoseconds since 1970.
  package var lastUse: Int64 { (try? FileFacts(place).modifiedNanoseconds) ?? 0 }

  /// All roots of a cache. Removes the rest of processes that were killed while they made or removed one.
  package static func all(in cache: String) -> [KeptRoot] {
    let folder = "\(cache)/roots"
    return ((try? Files.list(folder)) ?? []).compactMap { name in
      let place = "\(folder)/\(name)"
      for ending in [newEnding, goneEnding] where name.hasSuffix(ending) {
        // Without its lock a process is at work there.
        if let lock = try? FileLock.tryAcquire("\(place.dropLast(ending.count)).lock") {
          _ = lock
          try? Files.removeTree(place)
        }
        return nil
      }
      guard Files.exists("\(place)/attributes") else { return nil }
      return KeptRoot(place: place, size: size(of: place))
    }
  }

  /// The endings of the names of folders in which a root is made, and removed.
  static let newEnding = ".new"
  static let goneEnding = ".gone"

  /// Notes that a root is used now.
  /// - Returns: false: it is not in the cache.
  static func touch(_ place: String) -> Bool {
    // With the hold the root is either gone before, or its use is seen by the process that wants to remove it.
    guard let hold = RootHold(of: place) else { return false }
    defer { withExtendedLifetime(hold) {} }
    utimes(place, nil)
    return Files.exists("\(place)/attributes")
  }

  /// Removes the root, unless a VM of a process has it, or it was used after `limit`.
  /// - Parameter limit: in nanoseconds since 1970.
  /// - Returns: false when it stays.
  package func remove(unlessUsedAfter limit: Int64) throws -> Bool {
    // Whoever makes a root holds the lock: the folder is not made again while the old one is removed.
    guard let lock = try FileLock.tryAcquire("\(place).lock") else { return false }
    _ = lock
    guard let directory = try? Descriptor.open(place, O_RDONLY | O_DIRECTORY) else { return true }
    guard flock(directory.raw, LOCK_EX | LOCK_NB) == 0, lastUse <= limit else { return false }
    let gone = place + Self.goneEnding
    try Files.removeTree(gone)
    try Files.rename(place, to: gone)
    try Files.removeTree(gone)
    return true
  }

  // MARK: Size

  /// The size of a root, which is written beside it once: a root can have a million files.
  private static func size(of place: String) -> UInt64 {
    if let text = try? Files.readText("\(place)/size"), let size = UInt64(text.trimmed) { return size }
    let size = bytes(place)
    let times = lastTimes(place)
    try? Files.replace("\(place)/size", with: Array("\(size)\n".utf8))
    // A new file is no use of the root.
    if let times { utimensat(AT_FDCWD, place, times, 0) }
    return size
  }

  private static func lastTimes(_ place: String) -> [timespec]? {
    var status = stat()
    return stat(place.cPath, &status) == 0 ? [status.st_atim, status.st_mtim] : nil
  }

  /// The bytes of a tree on the disk. Links of the root are not followed: they may lead to the host's files.
  static func bytes(_ path: String) -> UInt64 {
    var status = stat()
    guard lstat(path.cPath, &status) == 0 else { return 0 }
    let own =
      UInt64(status.st_blocks) * 512
      / UInt64(max(1, status.st_mode & S_IFMT == S_IFREG ? status.st_nlink : 1))
    guard status.st_mode & S_IFMT == S_IFDIR else { return own }
    return ((try? Files.list(path)) ?? []).reduce(own) { $0 + bytes("\(path)/\($1)") }
  }
}

/// Holds a root of the cache: no process removes it while this object exists.
final class RootHold: Sendable {
  private let directory: Descriptor

  /// nil: the root is not in the cache, or a process is removing it.
  init?(of place: String) {
    guard let directory = try? Descriptor.open(place, O_RDONLY | O_DIRECTORY),
      flock(directory.raw, LOCK_SH | LOCK_NB) == 0
    else { return nil }
    // It may have been removed between the two calls above. Its folder then has another name, or none.
    var (held, named) = (stat(), stat())
    guard fstat(directory.raw, &held) == 0, stat(place.cPath, &named) == 0, held.st_ino == named.st_ino,
      held.st_dev == named.st_dev
    else { return nil }
    self.directory = directory
  }
}
