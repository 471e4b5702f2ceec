import Glibc
import ProviumSystem

/// Holds the folder of one build: until it goes, no process removes that folder.
package final class FixtureUse: Sendable {
  private let directory: Descriptor

  /// nil: the folder is gone, or being removed at this moment.
  package init?(of manifest: FixtureManifest) {
    let flags = O_RDONLY | O_DIRECTORY
    guard let directory = try? Descriptor.open(manifest.snapshot.folder, flags),
      flock(directory.raw, LOCK_SH | LOCK_NB) == 0
    else { return nil }
    // Between the opening and the lock it may have been removed: a folder without a name has no links.
    var status = stat()
    guard fstat(directory.raw, &status) == 0, status.st_nlink > 0 else { return nil }
    self.directory = directory
  }
}

/// What leaves the store, and what must not: a build that somebody uses, in this process or another, stays.
extension FixtureStore {
  /// Removes a fixture but for builds in use, which leave with the next use, build or `clean`.
  /// - Returns: whether all of it is gone.
  package func remove(_ place: String) throws -> Bool {
    guard Files.exists(place) else { return true }
    guard let lock = try FileLock.tryAcquire("\(place).lock") else { return false }
    _ = lock
    if isInUse(place) { return false }
    // First what makes it a fixture: whatever stops us, no half is left that looks whole.
    try Files.removeTree("\(place)/manifest.json")
    try Files.removeTree(place)
    return true
  }

  /// Clears away what no manifest names: killed builds, builds that were replaced. The caller holds the fixture's lock.
  func sweep(_ place: String) {
    let current = manifest(at: place)?.snapshot.folder
    for name in (try? Files.list(place)) ?? [] where name != "manifest.json" {
      let path = "\(place)/\(name)"
      if path != current, !Self.isHeld(path) { try? Files.removeTree(path) }
    }
    if current == nil { rmdir(place) }
  }

  /// Sweeps everywhere, and lets the least recently used fixtures go while all together are above the maximum.
  /// - Parameter place: stays in any case: it was just built. The caller holds its lock.
  func makeRoom(keeping place: String) {
    sweep(place)
    for other in places() where other != place {
      guard let lock = try? FileLock.tryAcquire("\(other).lock") else { continue }
      _ = lock
      sweep(other)
    }
    var total = places().reduce(0) { $0 + Self.size($1) }
    for other in leastRecentlyUsed where total > maximum && other != place {
      let size = Self.size(other)
      if (try? remove(other)) == true { total -= size }
    }
  }

  /// Lets the least recently used fixtures go that nobody uses, until that many bytes are free where the store is.
  /// - Returns: whether any went.
  func makeRoom(free wanted: UInt64, keeping place: String) -> Bool {
    var isAnyGone = false
    for other in leastRecentlyUsed where other != place {
      guard let free = Files.freeSpace(folder), free < wanted else { break }
      if (try? remove(other)) == true { isAnyGone = true }
    }
    return isAnyGone
  }

  private var leastRecentlyUsed: [String] {
    places().map { (place: $0, used: Self.lastUse($0)) }.sorted { $0.used < $1.used }.map(\.place)
  }

  private func isInUse(_ place: String) -> Bool {
    ((try? Files.list(place)) ?? []).contains { $0 != Self.buildingName && Self.isHeld("\(place)/\($0)") }
  }

  private static func isHeld(_ build: String) -> Bool {
    guard let directory = try? Descriptor.open(build, O_RDONLY | O_DIRECTORY) else { return false }
    return flock(directory.raw, LOCK_EX | LOCK_NB) != 0
  }
}
