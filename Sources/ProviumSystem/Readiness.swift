import Glibc

/// Waits for descriptors: `poll(2)` under a deadline, restarted after signals.
package enum Readiness {
  /// What a descriptor is awaited for, and what came.
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

    /// Something can be read, or a read would say why not (end, error).
    package var isReadable: Bool { result & Int16(POLLIN | POLLHUP | POLLERR | POLLNVAL) != 0 }
    package var isWritable: Bool { result & Int16(POLLOUT | POLLHUP | POLLERR | POLLNVAL) != 0 }
  }

  /// Blocks until one of `interests` is ready or the deadline has passed. Returns whether one is.
  @discardableResult
  package static func wait(_ interests: inout [Interest], until deadline: Deadline) throws -> Bool {
    var entries = interests.map { pollfd(fd: $0.descriptor, events: $0.events, revents: 0) }
    while true {
      let count = poll(&entries, nfds_t(entries.count), deadline.pollMilliseconds)
      if count < 0 {
        if errno == EINTR { continue }
        throw SystemError("poll")
      }
      if count == 0 && !deadline.isExpired { continue }
      for index in entries.indices { interests[index].result = entries[index].revents }
      return count > 0
    }
  }

  /// Blocks until `descriptor` is readable (or at its end); false when the deadline has passed.
  package static func waitReadable(_ descriptor: Int32, until deadline: Deadline) throws -> Bool {
    var interests = [Interest.read(descriptor)]
    return try wait(&interests, until: deadline)
  }
}
