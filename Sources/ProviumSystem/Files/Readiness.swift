package import Glibc

/// Waiting for descriptors: `poll(2)` under a deadline.
package enum Readiness {
  /// A descriptor, the events to wait for, and the events that came.
  package struct Interest: Sendable {
    package let descriptor: Int32
    package let events: Int16
    package fileprivate(set) var result: Int16 = 0

    package static func read(_ descriptor: Int32) -> Interest {
      Interest(descriptor: descriptor, events: Int16(POLLIN))
    }
    package static func write(_ descriptor: Int32) -> Interest {
      Interest(descriptor: descriptor, events: Int16(POLLOUT))
    }
    package static func both(_ descriptor: Int32) -> Interest {
      Interest(descriptor: descriptor, events: Int16(POLLIN | POLLOUT))
    }

    /// Whether a read would not block: there are bytes, or the end or an error.
    package var isReadable: Bool { result & Int16(POLLIN | POLLHUP | POLLERR | POLLNVAL) != 0 }
    package var isWritable: Bool { result & Int16(POLLOUT | POLLHUP | POLLERR | POLLNVAL) != 0 }
  }

  /// Blocks until one of `interests` is ready or the deadline has passed. Returns whether one is ready.
  @discardableResult
  package static func wait(_ interests: inout [Interest], until deadline: Deadline) throws -> Bool {
    var entries = interests.map { pollfd(fd: $0.descriptor, events: $0.events, revents: 0) }
    let isReady = try poll(&entries, until: deadline)
    for index in entries.indices { interests[index].result = entries[index].revents }
    return isReady
  }

  /// Calls `poll(2)` until an entry is ready or the deadline has passed; signals do not end the wait. Returns
  /// whether an entry is ready. For callers that keep their entries from one wait to the next.
  package static func poll(_ entries: inout [pollfd], until deadline: Deadline) throws -> Bool {
    while true {
      let count = Glibc.poll(&entries, nfds_t(entries.count), deadline.pollMilliseconds)
      if count > 0 { return true }
      if count == 0 {
        if deadline.isExpired { return false }
      } else if errno != EINTR {
        throw SystemError("poll")
      }
    }
  }

  /// Blocks until `descriptor` is readable (or at its end); false when the deadline has passed.
  package static func waitReadable(_ descriptor: Int32, until deadline: Deadline) throws -> Bool {
    var interests = [Interest.read(descriptor)]
    return try wait(&interests, until: deadline)
  }
}
