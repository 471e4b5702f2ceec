package import ProviumSystem

/// Requests that fail, and their error.
package struct FaultRule: Sendable, Hashable {
  /// nil: every operation.
  package var operation: DiskRequest.Operation?
  /// Sectors of 512 bytes; nil: all. A request matches if it touches one of them. A flush touches none.
  package var sectors: ClosedRange<Int>?
  /// The matching requests that still succeed.
  package var after: Int
  /// The matching requests that still fail; nil: all.
  package var times: Int?
  package var errno: Errno

  package init(
    _ operation: DiskRequest.Operation?,
    sectors: ClosedRange<Int>? = nil,
    after: Int = 0,
    times: Int? = nil,
    errno: Errno
  ) {
    self.operation = operation
    self.sectors = sectors
    self.after = after
    self.times = times
    self.errno = errno
  }

  /// Decides about one request, and counts it.
  mutating func error(for request: DiskRequest) -> Errno? {
    guard operation == nil || operation == request.operation else { return nil }
    if let sectors {
      guard request.operation != .flush, sectors.overlaps(request.sectors) else { return nil }
    }
    guard after == 0 else {
      after -= 1
      return nil
    }
    if let times {
      guard times > 0 else { return nil }
      self.times = times - 1
    }
    return errno
  }
}
