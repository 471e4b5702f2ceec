/// Counts of one disk since it was made.
package struct DiskStatistics: Sendable, Hashable {
  package var reads = 0
  package var writes = 0
  package var flushes = 0
  package var trims = 0
  package var bytesRead = 0
  package var bytesWritten = 0
  /// Requests that failed because a test asked for it.
  package var failures = 0
  /// Bytes of changes that no flush has made durable.
  package var unflushed = 0
  /// Bytes of data in the overlay.
  package var overlay = 0

  mutating func count(_ request: DiskRequest) {
    switch request.operation {
    case .read:
      reads += 1
      bytesRead += request.count
    case .write, .zero:
      writes += 1
      bytesWritten += request.count
    case .flush: flushes += 1
    case .trim: trims += 1
    }
  }
}
