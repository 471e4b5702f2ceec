/// The properties of the one disk that a server offers.
package struct NBDExport: Sendable, Hashable {
  /// Bytes.
  package var size: Int
  /// The smallest unit of a request, in bytes: 512 or 4096.
  package var sectorSize: Int

  package init(size: Int, sectorSize: Int = 512) {
    self.size = size
    self.sectorSize = sectorSize
  }

  static let preferredSize = 4096
  /// The most bytes of one read or write.
  static let largestRequest = 32 << 20
}
