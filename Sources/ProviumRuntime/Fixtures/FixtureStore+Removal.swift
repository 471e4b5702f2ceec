import Glibc
import ProviumBoot
import ProviumSystem
import ProviumVM

/// Holds the folder of one build: no process removes the folder while this object exists.
package final class FixtureHold: Sendable {
  private let directory: Descriptor

  /// nil: the folder does not exist, or a process is removing it.
  package init?(of manifest: FixtureManifest) {
    let flags = O_RDONLY | O_DIRECTORY
    guard let directory = try? Descriptor.open(manifest.snapshot.folder, flags),
      flock(directory.raw, LOCK_SH | LOCK_NB) == 0
    else { return nil }
    // It may have been removed between the two calls above: a removed folder has no links.
    var status = stat()
    guard fstat(directory.raw, &status) == 0, status.st_nlink > 0 else { return nil }
    self.directory = directory
  }
}

/// Removal of fixtures. A build that a process holds is never removed.
extension FixtureStore {
  /// Removes a fixture, unless a process builds or holds it.
  /// - Returns: false when it stays.
  package func remove(_ place: String) throws -> Bool {
    guard Files.exists(place) else { return true }
    guard let lock = try FileLock.tryAcquire("\(place).lock") else { return false }
    _ = lock
    if isInUse(place) { return false }
    // The manifest first: a removal that is interrupted leaves nothing that looks whole.
    try Files.removeTree("\(place)/manifest.json")
    try Files.removeTree(place)
    return true
  }

  /// Removes what the manifest does not name: killed builds and replaced builds. The caller holds the fixture's lock.
  func sweep(_ place: String) {
    let current = manifest(at: place)?.snapshot.folder
    for name in (try? Files.list(place)) ?? [] where name != "manifest.json" {
      let path = "\(place)/\(name)"
      if path != current, !Self.isHeld(path) { try? Files.removeTree(path) }
    }
    if current == nil { rmdir(place) }
  }

  /// Sweeps all fixtures, and removes the least recently used fixtures, fetched kernels and unpacked roots while all together are
  /// above the maximum. A kernel or a root that was used in the last hour stays: a VM may be about to boot with it.
  /// - Parameter place: is not removed: it was just built. The caller holds its lock. nil: no fixture was built.
  package func makeRoom(keeping place: String?) {
    if let place { sweep(place) }
    for other in places() where other != place {
      guard let lock = try? FileLock.tryAcquire("\(other).lock") else { continue }
      _ = lock
      sweep(other)
    }
    let fixtures = places().map { other in
      Removable(size: Self.size(other), lastUse: Self.lastUse(other), isKept: other == place) {
        (try? remove(other)) == true
      }
    }
    let hourAgo = Int64(time(nil)) - 3600
    let kernels = KernelLibrary.restorable(in: cache).map { kernel in
      Removable(
        size: kernel.size,
        lastUse: kernel.lastUse * 1_000_000_000,
        isKept: kernel.lastUse > hourAgo
      ) {
        (try? kernel.remove()) != nil
      }
    }
    let roots = KeptRoot.all(in: cache).map { root in
      let limit = hourAgo * 1_000_000_000
      return Removable(size: root.size, lastUse: root.lastUse, isKept: root.lastUse > limit) {
        (try? root.remove(unlessUsedAfter: limit)) == true
      }
    }
    let all = fixtures + kernels + roots
    var total = all.reduce(0) { $0 + $1.size }
    for entry in all.sorted(by: { $0.lastUse < $1.lastUse }) where total > maximum && !entry.isKept {
      if entry.remove() { total -= entry.size }
    }
  }

  /// A fixture, a kernel or a root of the cache.
  private struct Removable {
    let size: UInt64
    /// In nanoseconds since 1970.
    let lastUse: Int64
    let isKept: Bool
    /// - Returns: false when it stays.
    let remove: () -> Bool
  }

  /// Removes the least recently used fixtures that no process holds, until that many bytes are free on the store's disk.
  /// - Returns: whether a fixture was removed.
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
