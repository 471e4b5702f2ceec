import Glibc
package import ProviumSystem

/// Where fixtures are kept between runs: `CACHE/fixtures/NAME-ID/`, ID from the script's path, with a lock beside it.
package struct FixtureStore: Sendable {
  package let folder: String
  private let maximum: UInt64

  package init(cache: String, maximum: UInt64) {
    folder = "\(cache)/fixtures"
    self.maximum = maximum
  }

  /// The folder of one fixture.
  package func place(name: String, source: String) -> String {
    "\(folder)/\(name)-\(SHA256.hex(Array(source.utf8)).prefix(16))"
  }

  /// What was built, if it can be read at all.
  package func manifest(at place: String) -> FixtureManifest? {
    guard let manifest = try? FixtureManifest.read(place), manifest.format == FixtureManifest.format else {
      return nil
    }
    return manifest
  }

  /// Only one process builds a fixture; the others wait.
  /// - Parameter waiting: told who is at it.
  package func lock(_ place: String, until deadline: Deadline, waiting: (String) -> Void) throws -> FileLock {
    do { try Files.createDirectories(folder, mode: 0o700) } catch {
      throw FixtureError.store(path: folder, reason: "\(error)")
    }
    guard let lock = try FileLock.acquire("\(place).lock", until: deadline, waiting: waiting) else {
      throw FixtureError.store(
        path: folder,
        reason: "another process has been building this fixture for too long"
      )
    }
    lock.describeHolder("process \(getpid())")
    return lock
  }

  /// An empty folder to build in. What a killed build left there goes.
  package func workplace(for place: String) throws -> String {
    let work = "\(place).building"
    try Files.removeTree(work)
    try Files.createDirectories(work, mode: 0o700)
    return work
  }

  /// Makes what was built in `work` the fixture at `place`: all of it is on the disk before its name is.
  package func publish(_ manifest: FixtureManifest, from work: String, to place: String) throws
    -> FixtureManifest
  {
    var manifest = manifest
    for file in try Files.list(work) { try Files.sync("\(work)/\(file)") }
    manifest.files = try Files.list(work).map { try FileFingerprint($0, in: work) }
    manifest.snapshot.folder = place
    try manifest.write(to: work)
    // A resumed machine of the old one holds its files open, and goes on.
    let old = "\(place).old"
    try Files.removeTree(old)
    if Files.exists(place) { try Files.rename(place, to: old) }
    try Files.rename(work, to: place)
    try Files.sync(folder)
    try Files.removeTree(old)
    evict(keeping: place)
    return manifest
  }

  /// Notes that a fixture was used, for who leaves first.
  package func touch(_ place: String) { utimes("\(place)/manifest.json", nil) }

  /// Least recently used fixtures leave while all together are above the maximum; the one just built stays.
  private func evict(keeping place: String) {
    var entries = all().map { (place: $0, size: Self.size($0), used: Self.lastUse($0)) }
    entries.sort { $0.used < $1.used }
    var total = entries.reduce(0) { $0 + $1.size }
    for entry in entries where total > maximum && entry.place != place {
      // Somebody may be at it.
      guard (try? FileLock.tryAcquire("\(entry.place).lock")) != nil else { continue }
      try? Files.removeTree(entry.place)
      total -= entry.size
    }
  }

  /// Folders of all fixtures that are kept.
  package func all() -> [String] {
    ((try? Files.list(folder)) ?? []).map { "\(folder)/\($0)" }.filter {
      Files.exists("\($0)/manifest.json") && !$0.hasSuffix(".building")
    }
  }

  /// Bytes on the disk.
  package static func size(_ place: String) -> UInt64 {
    ((try? Files.list(place)) ?? []).reduce(0) { $0 + Files.blocks("\(place)/\($1)") }
  }

  private static func lastUse(_ place: String) -> Int64 {
    (try? FileFacts("\(place)/manifest.json").modifiedNanoseconds) ?? 0
  }

  package func remove(_ place: String) throws { try Files.removeTree(place) }
}
