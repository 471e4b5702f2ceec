import ProviumSystem

/// A port of a switch: a socket of a VM, or a station of this process. Belongs to the switch.
final class SwitchPort {
  let number: PortNumber
  let name: String
  /// The address that the owner of the port is meant to have.
  let address: MACAddress
  /// The socket of a VM; -1: not connected.
  private(set) var socket: Int32 = -1
  let station: Station?
  /// Frames that the socket did not take yet.
  var queue = FrameRing(capacity: 1024)
  /// The group of a partition; 0: none.
  var group = 0
  var counts = PortCounts()

  init(number: PortNumber, name: String, address: MACAddress, station: Station?) {
    self.number = number
    self.name = name
    self.address = address
    self.station = station
  }

  func connect(_ descriptor: consuming Descriptor) { socket = descriptor.release() }

  /// Closes the socket. Returns whether it was open.
  func disconnect() -> Bool {
    guard socket >= 0 else { return false }
    _ = Descriptor(owning: socket)
    socket = -1
    return true
  }

  deinit { _ = disconnect() }
}

/// The counts of a port since it was added.
package struct PortCounts: Sendable, Hashable {
  /// Frames that came from the owner of the port.
  package internal(set) var received = 0
  package internal(set) var receivedBytes = 0
  /// Frames that were handed to the owner of the port.
  package internal(set) var sent = 0
  package internal(set) var sentBytes = 0
  /// Frames whose source is another address than the port's own.
  package internal(set) var foreign = 0
  /// Frames to the owner of the port that were dropped, and frames from it that could not be forwarded, by cause.
  private var drops = [Int](repeating: 0, count: DropCause.allCases.count)

  package subscript(cause: DropCause) -> Int {
    get { drops[cause.index] }
    set { drops[cause.index] = newValue }
  }

  /// All packets that came from the owner of the port.
  var arrived: Int { received + self[.runt] + self[.oversized] }

  package var dropped: Int { drops.reduce(0, +) }
}
