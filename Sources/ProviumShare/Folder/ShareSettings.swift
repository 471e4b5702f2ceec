/// A folder of the host that guests can read.
package struct ShareSettings: Sendable, Hashable, Codable {
  /// The owners that a guest sees.
  package enum Owner: String, Sendable, Hashable, Codable, CaseIterable {
    /// Files of the user who runs this process belong to root. Others keep their owner.
    case root
    /// Every file keeps its owner.
    case host
  }

  /// An absolute path of the host.
  package var folder: String
  package var owner = Owner.root
  /// Whether folders on other file systems of the host appear empty.
  package var isOneFileSystem = false
  /// The path of the `AttributeIndex` of an unpacked archive; nil for other folders.
  package var attributes: String?

  package init(folder: String) { self.folder = folder }
}
