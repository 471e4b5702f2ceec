/// One request of a disk's user.
package struct DiskRequest: Sendable, Hashable {
  package enum Operation: String, Sendable, Hashable, CaseIterable {
    case read, write, flush, trim, zero
  }

  package var operation: Operation
  /// Bytes.
  package var offset: Int
  package var count: Int
  /// The request's data are durable when it is answered (force unit access).
  package var isDurable: Bool

  package init(_ operation: Operation, offset: Int = 0, count: Int = 0, isDurable: Bool = false) {
    self.operation = operation
    self.offset = offset
    self.count = count
    self.isDurable = isDurable
  }

  /// The number of the first sector of 512 bytes, and of the last one.
  var sectors: ClosedRange<Int> { offset / 512...max(offset, offset + count - 1) / 512 }
  var changesContents: Bool { operation == .write || operation == .trim || operation == .zero }
}
