/// One entry of a tar or cpio archive. Its strings come from the archive, which may be hostile.
struct ArchiveEntry {
  enum Kind: Hashable { case file, folder, symbolicLink, hardLink, pipe, device }

  var kind = Kind.file
  /// The components of the path, without empty ones and `.`; none is `..`. Empty for the root.
  var path: [[UInt8]] = []
  /// The target of a link.
  var target: [UInt8] = []
  /// The twelve bits of chmod(2).
  var mode: UInt32 = 0o644
  var user: UInt32 = 0
  var group: UInt32 = 0
  /// Nanoseconds since 1970.
  var modified: Int64 = 0
  /// Bytes of the file, with its holes.
  var size = 0
  /// Bytes of contents in the archive: fewer than `size` for a sparse file.
  var storedSize = 0
  /// Extended attributes by name: `user.*` and `security.capability`.
  var attributes: [[UInt8]: [UInt8]] = [:]
}
