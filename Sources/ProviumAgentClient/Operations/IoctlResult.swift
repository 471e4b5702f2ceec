public import ProviumSystem

/// The result of an ioctl.
public struct IoctlResult: Hashable, Sendable {
  /// The value that the kernel returned: `-errno` after a failure.
  public let value: Int64
  /// The struct after the call; nil when none was sent.
  public let data: [UInt8]?
  /// The memory of the pointers that asked for output, in their order.
  package let outputs: [[UInt8]]

  package init(value: Int64, data: [UInt8]? = nil, outputs: [[UInt8]] = []) {
    self.value = value
    self.data = data
    self.outputs = outputs
  }

  /// The error of a failed call; nil after a success.
  public var errno: Errno? { Errno(systemCallValue: value) }

  /// Returns the value of a successful call.
  /// - Throws: the error of a failed call.
  @discardableResult
  public func get() throws(Errno) -> Int64 {
    if let errno { throw errno }
    return value
  }
}
