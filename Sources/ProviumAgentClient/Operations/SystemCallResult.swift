public import ProviumSystem

/// The result of a system call.
public struct SystemCallResult: Hashable, Sendable {
  /// The value that the kernel returned: `-errno` after a failure.
  public let value: Int64
  /// The memory of the buffers after the call, by ascending argument index.
  public let buffers: [[UInt8]]
  /// The memory of the pointers that asked for output, in their order.
  package let outputs: [[UInt8]]

  package init(value: Int64, buffers: [[UInt8]] = [], outputs: [[UInt8]] = []) {
    self.value = value
    self.buffers = buffers
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

extension Errno {
  /// The error of a raw value of a system call; nil for the value of a successful one. The kernel returns
  /// -4095 to -1 for errors (MAX_ERRNO of include/linux/err.h).
  init?(systemCallValue value: Int64) {
    guard (-4095 ... -1).contains(value) else { return nil }
    self.init(Int32(-value))
  }
}
