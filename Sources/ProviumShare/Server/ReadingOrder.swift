/// The order in which a guest reads the files of a folder, as far as its READs reach this server. A guest that reads them in the
/// order of their names gets the next ones ahead.
struct ReadingOrder: Sendable {
  private static let firstCount = 8
  static let mostCount = 64
  /// Entries between two files that are read in order: folders, files that are left out.
  private static let mostGap = 4

  private var folder: UInt64 = 0
  /// The index in the listing of the last file that was read, or sent ahead.
  private var last = 0
  private var isInOrder = false
  private var count = firstCount
  /// A file in the middle of those that were sent ahead. It was left out, so that its READ tells how far the reader is.
  private var milestone: Int?

  /// Whether the index of a file in this folder matters. To list a folder for each file of a program that reads files here and there
  /// would cost more than it brings.
  mutating func concerns(_ folder: UInt64) -> Bool {
    if folder == self.folder || isInOrder { return true }
    (self.folder, last, milestone) = (folder, .max, nil)
    return false
  }

  /// Notes the READ of a whole file.
  /// - Parameter index: in the listing of the folder.
  /// - Returns: after which index to send files ahead, and how many; nil for none.
  mutating func note(_ index: Int, in folder: UInt64) -> (after: Int, count: Int)? {
    if folder == self.folder, index == milestone {
      milestone = nil
      count = min(count * 4, Self.mostCount)
      return (last, count)
    }
    // The dots come first. A reader in order goes on with the next folder. Of the first file here, the index is not known.
    let start = folder == self.folder ? last : 1
    let follows = index > start && index - start <= Self.mostGap
    let wasInOrder = isInOrder
    (self.folder, last, isInOrder, milestone) = (folder, index, follows, nil)
    if !follows { count = Self.firstCount }
    return follows && wasInOrder ? (index, count) : nil
  }

  /// Notes what was sent ahead.
  mutating func sent(until index: Int, milestone: Int?) { (last, self.milestone) = (index, milestone) }

  mutating func reset() { self = ReadingOrder() }
}
