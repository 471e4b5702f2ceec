import Glibc
import ProviumSystem

/// A socket together with everything that can end a wait for it: a deadline, the end of the VM, an alarm.
///
/// One thread reads, and one thread at a time writes. `shutDown` and the alarm are thread-safe.
final class PolledSocket: @unchecked Sendable {
  // Sendable because only the reading thread uses `readPolls`, and everything else is immutable.
  private let descriptor: Descriptor
  let alarm: EventDescriptor
  let liveness: (any Liveness)?
  private var readPolls: [pollfd]

  /// Takes ownership of a connected stream socket.
  init(_ descriptor: consuming Descriptor, alarm: EventDescriptor, liveness: (any Liveness)?) throws {
    try descriptor.setNonBlocking()
    self.alarm = alarm
    self.liveness = liveness
    readPolls = Self.polls(descriptor.raw, Int16(POLLIN), alarm, liveness)
    self.descriptor = descriptor
  }

  /// Blocks until it has read at least one byte into `queue`; false when the deadline came first, or when `other` is readable.
  func read(into queue: ByteQueue, wanting: Int, until deadline: Deadline, orReadable other: Int32) throws
    -> Bool
  {
    var polls = readPolls + [pollfd(fd: other, events: Int16(POLLIN), revents: 0)]
    while true {
      let ready = try Self.poll(&polls, liveness, until: deadline, hasOther: true)
      if !ready { return false }
      if try readNow(into: queue, wanting: wanting) { return true }
    }
  }

  /// Blocks until it has read at least one byte into `queue`; false when the deadline came first.
  func read(into queue: ByteQueue, wanting: Int, until deadline: Deadline) throws -> Bool {
    while true {
      let ready = try Self.poll(&readPolls, liveness, until: deadline)
      if !ready { return false }
      if try readNow(into: queue, wanting: wanting) { return true }
    }
  }

  /// Writes as many bytes as fit. Blocks while there is no space.
  /// - Parameter scratch: if given, bytes that come in the meantime are read and dropped, so that two sides
  ///   that both write do not wait for each other.
  ///   - input: the same for bytes that are kept.
  func writeSome(
    _ vectors: inout IOVectors,
    until deadline: Deadline,
    discardingInput scratch: ByteQueue? = nil,
    keepingInput input: ByteQueue? = nil
  ) throws {
    while true {
      if let scratch {
        _ = try readNow(into: scratch, wanting: 65536)
        scratch.clear()
      }
      if let input { _ = try readNow(into: input, wanting: 65536) }
      if vectors.send(to: descriptor.raw) >= 0 { return }
      switch errno {
      case EINTR: continue
      case EAGAIN: break
      default: throw TransportFailure.ended(.current)
      }
      let events = scratch == nil && input == nil ? Int16(POLLOUT) : Int16(POLLOUT | POLLIN)
      var polls = Self.polls(descriptor.raw, events, alarm, liveness)
      guard try Self.poll(&polls, liveness, until: deadline) else { throw TransportFailure.deadline }
    }
  }

  /// Ends the connection for both sides. The descriptor stays open.
  func shutDown() { shutdown(descriptor.raw, Int32(SHUT_RDWR)) }

  /// Reads without blocking; false when there are no bytes.
  private func readNow(into queue: ByteQueue, wanting: Int) throws -> Bool {
    let room = queue.room(wanting)
    let count = Glibc.read(descriptor.raw, room.baseAddress, room.count)
    if count > 0 {
      queue.extend(count)
      return true
    }
    if count == 0 { throw TransportFailure.ended(nil) }
    if errno == EAGAIN || errno == EINTR { return false }
    throw TransportFailure.ended(.current)
  }

  // MARK: waiting

  static func polls(
    _ descriptor: Int32,
    _ events: Int16,
    _ alarm: EventDescriptor,
    _ liveness: (any Liveness)?
  ) -> [pollfd] {
    [
      pollfd(fd: descriptor, events: events, revents: 0),
      pollfd(fd: alarm.raw, events: Int16(POLLIN), revents: 0),
    ]
      + (liveness?.descriptors ?? []).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
  }

  /// Blocks until the first entry is ready; false when the deadline came first. The first entry is looked at
  /// before the alarm and the end of the VM: a reply that has arrived is used.
  /// - Parameter hasOther: whether the last entry also ends the wait, with false.
  static func poll(
    _ polls: inout [pollfd],
    _ liveness: (any Liveness)?,
    until deadline: Deadline,
    hasOther: Bool = false
  ) throws -> Bool {
    while true {
      do {
        guard try Readiness.poll(&polls, until: deadline) else { return false }
      } catch let error as SystemError {
        throw TransportFailure.ended(error.errno)
      }
      if polls[0].revents != 0 { return true }
      if polls[1].revents != 0 { throw TransportFailure.alarm }
      if let cause = liveness?.causeOfDeath() { throw TransportFailure.died(cause) }
      if hasOther, let last = polls.last, last.revents != 0 { return false }
    }
  }
}
