/// A file that a guest's kernel has a number for.
struct Node: Sendable, Equatable {
  /// The number of the folder; 0 for the root.
  var parent: UInt64
  /// One component of a path, not always UTF-8.
  var name: [UInt8]
  /// How often the kernel was told of it, less the FORGETs.
  var lookups: UInt64 = 0
  /// Nodes whose parent it is.
  var children = 0
  /// The attributes that the guest's kernel was told last.
  var facts: NodeFacts
  /// Bytes of this version were read, so the kernel may have pages of it.
  var isRead = false
  /// This version was sent ahead, so the kernel may have pages of it that it has not asked for.
  var isAhead = false
  /// A folder that appears empty: it is on a file system of the host's kernel.
  var isWithheld = false
  /// Told while the file was so new that a second change could have the same time.
  var isFresh = false
}
