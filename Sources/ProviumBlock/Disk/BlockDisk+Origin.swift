/// The contents of a disk at the beginning of a log. A value; its files stay open as long as it exists.
package struct DiskOrigin: Sendable {
  package let properties: BlockDisk.Properties
  let base: BaseContents
  /// The lowest first.
  let layers: [Layer]

  /// Returns layers that have the origin's contents with changes: for `BlockDisk.replaceContents`.
  /// - Parameter folder: where the layer's temporary file is.
  package func layers(with changes: [LogEntry], folder: String) throws -> [Layer] {
    var contents = try contents(folder: folder)
    for change in changes { try contents.apply(change, to: .durable) }
    return layers + [contents.durable]
  }

  func contents(folder: String) throws -> DiskContents {
    try DiskContents(
      size: properties.size,
      base: base,
      saved: layers,
      limit: properties.overlayLimit,
      logLimit: properties.logLimit,
      folder: folder
    )
  }
}
