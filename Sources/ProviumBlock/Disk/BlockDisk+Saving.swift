import ProviumSystem

/// A disk in files, for the snapshot of a machine.
///
///     NAME, NAME.map               the durable changes: see `SavedLayer`
///     NAME.cache, NAME.cache.map   the changes that no flush has made durable
///     NAME.log                     the same changes, one by one: see `LogWritesFormat`
extension BlockDisk {
  /// The names of the files that `save` writes.
  package static func fileNames(_ name: String) -> [String] {
    SavedLayer.names(name) + SavedLayer.names("\(name).cache") + ["\(name).log"]
  }

  /// Writes the disk's state into `folder`. The cache stays a cache: a later power cut loses it.
  package func save(to folder: String, name: String) throws {
    try state.withLock { state in
      let contents = state.contents
      let blocks = DiskContents.blocks(of: contents.size)
      try SavedLayer.write(contents.saved + [contents.durable], blocks: blocks, to: "\(folder)/\(name)")
      try SavedLayer.write([contents.cache], blocks: blocks, to: "\(folder)/\(name).cache")
      // Empty if the changes are not known one by one.
      let log = LogWritesFormat.encode(try contents.cache.changes.map(contents.cache.entry(of:)))
      try Files.write(log, to: "\(folder)/\(name).log")
    }
  }

  /// Opens a disk that was saved. The files are only read: several disks can share them.
  package convenience init(
    _ properties: Properties,
    base: BaseContents = .zeroes,
    saved path: String,
    folder: String
  ) throws {
    try self.init(properties, base: base, folder: folder)
    let blocks = DiskContents.blocks(of: properties.size)
    let durable = try SavedLayer.read(path, blocks: blocks)
    let cache = try SavedLayer.read("\(path).cache", blocks: blocks)
    let entries = try LogWritesFormat.decode(try Files.read("\(path).log"))
    try state.withLock { state in
      state.contents.replace(saved: durable.map.isEmpty ? [] : [durable])
      try state.contents.fillCache(from: cache, changes: entries)
      state.statistics.unflushed = entries.reduce(0) { $0 + ($1.isDurable ? 0 : $1.count) }
    }
  }
}
