import Glibc

/// The two ends of a connection: ours stays in this process, theirs goes to a child.
package struct SocketPair: ~Copyable {
  package var ours: Descriptor
  package var theirs: Descriptor

  /// Closes their end and returns ours.
  package consuming func takeOurs() -> Descriptor {
    let number = ours.release()
    return Descriptor(owning: number)
  }
}

extension Descriptor {
  /// Makes a connected pair of Unix stream sockets, close-on-exec.
  /// - Parameter buffer: bytes that each end may send before the other end receives them, as far as the host's limit
  ///   (`net.core.wmem_max`) allows; nil: the host's default.
  package static func socketPair(buffer: Int32? = nil) throws -> SocketPair {
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0
    else {
      throw SystemError("make a socket pair")
    }
    if var buffer {
      for end in ends {
        // With less room, the two processes only take turns more often.
        _ = setsockopt(end, SOL_SOCKET, SO_SNDBUF, &buffer, socklen_t(MemoryLayout<Int32>.size))
      }
    }
    return SocketPair(ours: Descriptor(owning: ends[0]), theirs: Descriptor(owning: ends[1]))
  }
}
