package import ProviumSystem
import Synchronization

/// A station of a network that this process plays: its frames go into an inbox, and ready-made answerers reply on the
/// switch's thread. Thread-safe.
package final class Station: Sendable {
  package let mac: MACAddress
  package let addresses: [IPAddress]

  private struct Inbox {
    var frames: [[UInt8]] = []
    /// The position of the first frame that was not taken.
    var start = 0
    var dropped = 0
  }
  private static let capacity = 4096
  private let inbox = Monitor(Inbox())
  private let answerers = Mutex<[any Answerer]>([])

  package init(mac: MACAddress, addresses: [IPAddress]) {
    self.mac = mac
    self.addresses = addresses
  }

  package func add(_ answerer: any Answerer) { answerers.withLock { $0.append(answerer) } }
  package func removeAnswerers() { answerers.withLock { $0.removeAll() } }

  /// The number of frames that did not fit into the inbox.
  package var dropped: Int { inbox.read { $0.dropped } }

  /// The number of frames in the inbox.
  package var waiting: Int { inbox.read { $0.frames.count - $0.start } }

  /// Takes the next frame; nil when none came before the deadline. Blocks.
  /// - Parameter isEnded: ends the wait. Evaluated now and after `wake`; must not use the station.
  package func next(until deadline: Deadline, isEnded: () -> Bool = { false }) -> [UInt8]? {
    let next = inbox.wait(until: deadline) { inbox -> [UInt8]?? in
      if isEnded() { return .some(nil) }
      guard inbox.start < inbox.frames.count else { return nil }
      let frame = inbox.frames[inbox.start]
      inbox.start += 1
      if inbox.start == inbox.frames.count || inbox.start >= 1024 {
        inbox.frames.removeFirst(inbox.start)
        inbox.start = 0
      }
      return .some(frame)
    }
    return next ?? nil
  }

  /// Makes each wait of `next` evaluate its `isEnded`.
  package func wake() { inbox.update { _ in } }

  /// Forgets the frames that came so far.
  package func clear() {
    inbox.update {
      $0.frames.removeAll()
      $0.start = 0
    }
  }

  /// Handles a frame on the switch's thread.
  /// - Returns: the frames that it sends in reply.
  func receive(_ bytes: [UInt8]) -> [[UInt8]] {
    let active = answerers.withLock { $0 }
    var replies: [[UInt8]] = []
    if !active.isEmpty {
      let frame = Frame(bytes)
      let isForMe = frame.destination == mac || frame.destination.isMulticast
      if isForMe { for answerer in active { replies += answerer.replies(to: frame, for: self) } }
    }
    inbox.update {
      if $0.frames.count - $0.start >= Self.capacity { $0.dropped += 1 } else { $0.frames.append(bytes) }
    }
    return replies
  }
}

/// Replies to frames on the switch's thread. Must not block.
package protocol Answerer: Sendable {
  func replies(to frame: Frame, for station: Station) -> [[UInt8]]
}
