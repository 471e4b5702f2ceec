/// The operations of the FUSE protocol that this server knows (include/uapi/linux/fuse.h, enum fuse_opcode). Every other one is
/// answered with ENOSYS.
package enum FUSEOperation: UInt32, Sendable, CaseIterable {
  case lookup = 1
  case forget = 2
  case getAttributes = 3
  case setAttributes = 4
  case readLink = 5
  case symbolicLink = 6
  case makeNode = 8
  case makeDirectory = 9
  case unlink = 10
  case removeDirectory = 11
  case rename = 12
  case link = 13
  case open = 14
  case read = 15
  case write = 16
  case fileSystemStatus = 17
  case release = 18
  case setExtendedAttribute = 21
  case getExtendedAttribute = 22
  case listExtendedAttributes = 23
  case removeExtendedAttribute = 24
  case initialize = 26
  case openDirectory = 27
  case readDirectory = 28
  case releaseDirectory = 29
  case create = 35
  case interrupt = 36
  case destroy = 38
  case batchForget = 42
  case allocate = 43
  case readDirectoryPlus = 44
  case rename2 = 45
  case seek = 46
  case copyRange = 47

  /// Whether the operation changes a file. A read-only mount sends none of these.
  var isChange: Bool {
    switch self {
    case .setAttributes, .symbolicLink, .makeNode, .makeDirectory, .unlink, .removeDirectory, .rename, .link,
      .write, .setExtendedAttribute, .removeExtendedAttribute, .create, .allocate, .rename2, .copyRange:
      true
    default: false
    }
  }
}

/// The features that both sides of a FUSE connection agree on (FUSE_INIT flags of include/uapi/linux/fuse.h).
package struct FUSEFeatures: OptionSet, Sendable {
  package let rawValue: UInt32
  package init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Several reads of one file are sent at once.
  static let asyncRead = FUSEFeatures(rawValue: 1 << 0)
  /// A file's cached pages are dropped when its size or time of modification has changed.
  static let invalidatesData = FUSEFeatures(rawValue: 1 << 12)
  /// Directories are read with attributes, so that no file of them needs a LOOKUP. Where the kernel may decide (FUSE_READDIRPLUS_AUTO),
  /// it takes them for the first page alone of a folder whose names a shell matches with a pattern.
  static let readDirectoryPlus = FUSEFeatures(rawValue: 1 << 13)
  /// OPEN may be answered with ENOSYS: the kernel then sends none.
  static let noOpen = FUSEFeatures(rawValue: 1 << 17)
  static let parallelDirectories = FUSEFeatures(rawValue: 1 << 18)
  static let maxPages = FUSEFeatures(rawValue: 1 << 22)
  static let cachesSymbolicLinks = FUSEFeatures(rawValue: 1 << 23)
  /// The same as `noOpen` for OPENDIR.
  static let noOpenDirectory = FUSEFeatures(rawValue: 1 << 24)

  /// The features that this server uses where the kernel offers them.
  static let wanted: FUSEFeatures = [
    .asyncRead, .invalidatesData, .readDirectoryPlus, .noOpen, .parallelDirectories,
    .maxPages,
    .cachesSymbolicLinks, .noOpenDirectory,
  ]
}
