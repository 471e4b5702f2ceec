import Glibc
import ProviumSystem

/// The VMs that were kept after failures.
///
///     CACHE/failures/ID/                one VM: `kept.json`, memory, state, disks, console
///     CACHE/failures/saving-RANDOM/     a VM that is being saved, or the rest of a killed save
///
/// A process holds a folder (flock(2)) that it writes or reads. A folder that is held is not removed.
package struct FailureStore: Sendable {
  package let folder: String
  /// Bytes above which the oldest are removed.
  let maximum: UInt64
  private static let savingPrefix = "saving-"

  package init(cache: String, maximum: UInt64) {
    folder = "\(cache)/failures"
    self.maximum = maximum
  }

  /// A folder that no other process removes while this object exists.
  package final class Hold: Sendable {
    private let directory: Descriptor

    /// nil: the folder does not exist, or a process is removing it.
    fileprivate init?(_ path: String, exclusive: Bool = false) {
      guard let directory = try? Descriptor.open(path, O_RDONLY | O_DIRECTORY),
        flock(directory.raw, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0
      else { return nil }
      // It may have been removed between the two calls above.
      var status = stat()
      guard fstat(directory.raw, &status) == 0, status.st_nlink > 0 else { return nil }
      self.directory = directory
    }
  }

  /// A VM that is being saved. It is removed unless it is published.
  final class Saving {
    let path: String
    private let store: FailureStore
    private let hold: Hold
    private var isPublished = false

    fileprivate init(in store: FailureStore) throws {
      self.store = store
      try Files.createDirectories(store.folder, mode: 0o700)
      path = "\(store.folder)/\(savingPrefix)\(Hex.text(Random.bytes(8)))"
      try Files.createDirectories(path, mode: 0o700)
      guard let hold = Hold(path) else { throw SystemError("lock", path, Errno(EWOULDBLOCK)) }
      self.hold = hold
    }

    /// Makes it a kept failure. The files of `kept.snapshot` are in `path`.
    func publish(_ kept: KeptFailure) throws {
      try kept.write(to: path)
      try Files.rename(path, to: "\(store.folder)/\(kept.id)")
      isPublished = true
    }

    deinit { if !isPublished { try? Files.removeTree(path) } }
  }

  func begin() throws -> Saving {
    sweep()
    return try Saving(in: self)
  }

  /// Returns a new ID.
  func newID() -> String {
    while true {
      let id = Hex.text(Random.bytes(4))
      if !Files.exists("\(folder)/\(id)") { return id }
    }
  }

  // MARK: What is kept

  /// One entry of the list.
  package struct Entry: Sendable {
    package let id: String
    /// Bytes on the disk that its removal frees.
    package let size: UInt64
    package let failure: Result<KeptFailure, any Error>
    /// Seconds since 1970.
    package var keptAt: Double
  }

  /// All kept VMs, the oldest first.
  package func entries() -> [Entry] {
    let sizes = Sizes(folders: ids.map { "\(folder)/\($0)" })
    return ids.map { id in
      let path = "\(folder)/\(id)"
      let failure = Result { try KeptFailure.read(path) }
      let changed = (try? FileFacts(path)).map { Double($0.modifiedNanoseconds) / 1e9 } ?? 0
      return Entry(
        id: id,
        size: sizes.size(of: path),
        failure: failure,
        keptAt: (try? failure.get().keptAt) ?? changed
      )
    }.sorted { $0.keptAt < $1.keptAt }
  }

  private var ids: [String] {
    ((try? Files.list(folder)) ?? []).filter {
      !$0.hasPrefix(Self.savingPrefix) && Files.isDirectory("\(folder)/\($0)")
    }
  }

  /// Finds a kept VM by its ID, or the beginning of it; an empty one is the newest. The hold keeps it from being removed.
  /// - Throws: `KeptFailureError`.
  package func find(_ id: String) throws -> (failure: KeptFailure, hold: Hold) {
    let all = entries()
    guard let newest = all.last else { throw KeptFailureError.nothingKept(folder: folder) }
    let matches =
      id.isEmpty ? [newest] : all.filter { $0.id == id.lowercased() || $0.id.hasPrefix(id.lowercased()) }
    guard let found = matches.first else { throw KeptFailureError.gone(id: id, known: all.map(\.id)) }
    guard matches.count == 1 else { throw KeptFailureError.ambiguous(id: id, known: matches.map(\.id)) }
    guard let hold = Hold("\(folder)/\(found.id)") else {
      throw KeptFailureError.gone(id: id, known: all.map(\.id).filter { $0 != found.id })
    }
    do { return (try found.failure.get(), hold) } catch {
      throw KeptFailureError.unreadable(id: found.id, reason: "\(error)")
    }
  }

  /// - Throws: `KeptFailureError` for an ID that is unknown, or is opened by a process.
  package func remove(_ id: String) throws {
    guard !id.isEmpty, ids.contains(id) else { throw KeptFailureError.gone(id: id, known: ids) }
    guard let hold = Hold("\(folder)/\(id)", exclusive: true) else { throw KeptFailureError.inUse(id: id) }
    _ = hold
    try Files.removeTree("\(folder)/\(id)")
  }

  /// Removes the rests of killed saves.
  private func sweep() {
    for name in (try? Files.list(folder)) ?? [] where name.hasPrefix(Self.savingPrefix) {
      if let hold = Hold("\(folder)/\(name)", exclusive: true) {
        _ = hold
        try? Files.removeTree("\(folder)/\(name)")
      }
    }
  }

  /// Removes the oldest VMs while all together are above the maximum. The newest stays, and those that a process has open.
  func makeRoom() {
    let all = entries()
    for entry in all.dropLast() {
      let paths = ids.map { "\(folder)/\($0)" }
      guard Sizes(folders: paths).total > maximum else { return }
      try? remove(entry.id)
    }
  }

  /// The bytes that folders take. A file that several of them, or a fixture, link is shared.
  private struct Sizes {
    private struct File {
      var blocks: UInt64
      var links: UInt
      var seen: UInt = 0
    }
    private var files: [UInt64: File] = [:]
    private var folders: [String: [UInt64]] = [:]

    init(folders paths: [String]) {
      for path in paths {
        let before = ((try? Files.list("\(path)/\(KeptFailure.beforeName)")) ?? []).map {
          "\(KeptFailure.beforeName)/\($0)"
        }
        for name in ((try? Files.list(path)) ?? []) + before {
          var status = stat()
          guard lstat("\(path)/\(name)".cPath, &status) == 0 else { continue }
          guard status.st_mode & S_IFMT == S_IFREG else { continue }
          let inode = UInt64(status.st_ino)
          files[inode, default: File(blocks: UInt64(status.st_blocks) * 512, links: UInt(status.st_nlink))]
            .seen += 1
          folders[path, default: []].append(inode)
        }
      }
    }

    /// The bytes of files that nothing else links.
    func size(of path: String) -> UInt64 {
      (folders[path] ?? []).reduce(0) { sum, inode in
        files[inode].map { $0.links == 1 ? sum + $0.blocks : sum } ?? sum
      }
    }
    /// The bytes of files that only the folders link, each once.
    var total: UInt64 { files.values.reduce(0) { $1.links <= $1.seen ? $0 + $1.blocks : $0 } }
  }
}
