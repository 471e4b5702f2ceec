/// Why the switch did not deliver a frame.
package enum DropCause: String, Sendable, CaseIterable {
  /// By chance, or by a burst.
  case lost
  /// The direction is cut.
  case cut
  /// Sender and receiver are in different groups of a partition.
  case partitioned
  /// A rule dropped it.
  case matched
  /// Larger than the MTU of the direction.
  case tooLarge = "too_large"
  /// The queue of the direction's rate was full.
  case rateQueue = "rate_queue"
  /// The receiver did not take its frames in time.
  case receiverQueue = "receiver_queue"
  /// The memory for waiting frames was used up.
  case memory
  /// The port of the receiver is not connected.
  case disconnected
  /// Smaller than an Ethernet header.
  case runt
  /// Larger than any Ethernet frame of a guest.
  case oversized

  /// The position in tables of counts.
  var index: Int {
    switch self {
    case .lost: 0
    case .cut: 1
    case .partitioned: 2
    case .matched: 3
    case .tooLarge: 4
    case .rateQueue: 5
    case .receiverQueue: 6
    case .memory: 7
    case .disconnected: 8
    case .runt: 9
    case .oversized: 10
    }
  }
}
