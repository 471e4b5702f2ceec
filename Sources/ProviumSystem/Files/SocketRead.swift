import Glibc

/// Reading from a stream socket without blocking.
package enum SocketRead {
  /// Reads what has arrived, at most `size` bytes, and passes it on.
  /// - Parameter waiting: the result when there are no bytes but the connection is open.
  /// - Returns: true if there were bytes; false at the end of the stream or after an error.
  package static func now(
    _ descriptor: Int32,
    size: Int,
    waiting: Bool = true,
    _ take: (UnsafeRawBufferPointer) -> Void
  ) -> Bool {
    withUnsafeTemporaryAllocation(byteCount: size, alignment: 16) { buffer in
      let count = recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
      if count > 0 {
        take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        return true
      }
      return count < 0 && (errno == EINTR || (waiting && errno == EAGAIN))
    }
  }

  /// Returns the number of bytes that could be read now.
  package static func waiting(_ descriptor: Int32) -> Int {
    var count: Int32 = 0
    return ioctl(descriptor, UInt(FIONREAD), &count) == 0 ? Int(count) : 0
  }
}
