import Glibc
import ProviumSystem

/// A socket of ours with everything that can end a wait for it: a deadline, the machine's death, an alarm.
///
/// One thread reads, and one at a time writes; `shutDown` and the alarm are anybody's.
final class PolledSocket: @unchecked Sendable {
  // Sendable because `readPolls` belongs to the one reading thread; everything else does not change.
  private let descriptor: Descriptor
  let alarm: EventDescriptor
  let vitals: (any VitalSigns)?
  private var readPolls: [pollfd]

  /// Takes ownership of a connected stream socket.
  init(_ descriptor: consuming Descriptor, alarm: EventDescriptor, vitals: (any VitalSigns)?) throws {
    try descriptor.setNonBlocking()
    self.alarm = alarm
    self.vitals = vitals
    readPolls = Self.polls(descriptor.raw, Int16(POLLIN), alarm, vitals)
    self.descriptor = descriptor
  }

  /// One read into `queue`; false when the deadline came first.
  func read(into queue: ByteQueue, wanting: Int, until deadline: Deadline) throws -> Bool {
    while true {
      let ready = try Self.poll(&readPolls, vitals, until: deadline)
      if !ready { return false }
      if try readNow(into: queue, wanting: wanting) { return true }
    }
  }

  /// Writes what fits now, after waiting for space if there is none.
  /// - Parameter scratch: if given, what comes meanwhile is read and thrown away, so that two sides that both write do
  ///   not wait for each other.
  func writeSome(
    _ vectors: inout IOVectors,
    until deadline: Deadline,
    discardingInput scratch: ByteQueue? = nil
  ) throws {
    while true {
      if let scratch {
        _ = try readNow(into: scratch, wanting: 65536)
        scratch.clear()
      }
      if vectors.send(to: descriptor.raw) >= 0 { return }
      switch errno {
      case EINTR: continue
      case EAGAIN: break
      default: throw TransportFailure.ended(.current)
      }
      let events = scratch == nil ? Int16(POLLOUT) : Int16(POLLOUT | POLLIN)
      var polls = Self.polls(descriptor.raw, events, alarm, vitals)
      guard try Self.poll(&polls, vitals, until: deadline) else { throw TransportFailure.deadline }
    }
  }

  /// Both sides see the end; the descriptor stays ours.
  func shutDown() { shutdown(descriptor.raw, Int32(SHUT_RDWR)) }

  /// False when nothing is there.
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
    _ vitals: (any VitalSigns)?
  ) -> [pollfd] {
    [
      pollfd(fd: descriptor, events: events, revents: 0),
      pollfd(fd: alarm.raw, events: Int16(POLLIN), revents: 0),
    ]
      + (vitals?.descriptors ?? []).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
  }

  /// Waits for the first entry. What it has to say comes before the alarm and the machine's death: a reply that has
  /// arrived is a reply. False when the deadline came first.
  static func poll(_ polls: inout [pollfd], _ vitals: (any VitalSigns)?, until deadline: Deadline) throws
    -> Bool
  {
    while true {
      let count = Glibc.poll(&polls, nfds_t(polls.count), deadline.pollMilliseconds)
      if count < 0 {
        if errno == EINTR { continue }
        throw TransportFailure.ended(.current)
      }
      if polls[0].revents != 0 { return true }
      if polls[1].revents != 0 { throw TransportFailure.alarm }
      if count > 0 {
        if let cause = vitals?.causeOfDeath() { throw TransportFailure.died(cause) }
      } else if deadline.isExpired {
        return false
      }
    }
  }
}
