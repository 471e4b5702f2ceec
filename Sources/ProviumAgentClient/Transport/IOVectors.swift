import Glibc

/// Segments of memory that are sent with as few system calls as possible. After a short write, the rest
/// stays.
struct IOVectors {
  private var vectors: [iovec]
  private var first = 0
  /// `IOV_MAX` of Linux: segments in one call.
  private static let atMost = 1024

  init(_ segments: [UnsafeRawBufferPointer]) {
    vectors = []
    vectors.reserveCapacity(segments.count)
    for segment in segments where !segment.isEmpty {
      vectors.append(
        iovec(iov_base: UnsafeMutableRawPointer(mutating: segment.baseAddress), iov_len: segment.count)
      )
    }
  }

  var isEmpty: Bool { first == vectors.count }

  /// Calls `sendmsg(2)` once, without blocking or SIGPIPE. Returns the number of bytes sent, or -1 with
  /// `errno`.
  mutating func send(to socket: Int32) -> Int {
    let first = first
    let sent = vectors.withUnsafeMutableBufferPointer { vectors in
      var message = msghdr()
      message.msg_iov = vectors.baseAddress.map { $0 + first }
      message.msg_iovlen = min(vectors.count - first, Self.atMost)
      return sendmsg(socket, &message, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
    }
    if sent > 0 { advance(sent) }
    return sent
  }

  private mutating func advance(_ count: Int) {
    var left = count
    while left > 0, first < vectors.count {
      let length = vectors[first].iov_len
      if left < length {
        vectors[first].iov_base = vectors[first].iov_base.map { $0 + left }
        vectors[first].iov_len = length - left
        return
      }
      left -= length
      first += 1
    }
  }
}
