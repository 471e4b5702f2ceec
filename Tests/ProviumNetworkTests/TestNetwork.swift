import Glibc
import ProviumSystem
import Testing

@testable import ProviumNetwork

/// A switch with VMs that the test plays: each is the far end of a port's socket.
final class TestNetwork {
  let network: NetworkSwitch
  private(set) var ports: [PortNumber] = []
  private var ends: [Int32] = []

  init(ports count: Int) throws {
    network = try NetworkSwitch(name: "test")
    for index in 0..<count {
      let pair = try Descriptor.packetPair()
      let port = network.addPort(name: "vm\(index)", address: Self.mac(index))
      var pairBox: SocketPair? = consume pair
      guard let taken = pairBox.take() else { continue }
      ends.append(dup(taken.theirs.raw))
      network.connect(port, taken.takeOurs())
      ports.append(port)
    }
  }

  deinit {
    network.close()
    for end in ends { close(end) }
  }

  /// The far ends, as a save reads them.
  var socketEnds: [PortNumber: Int32] {
    Dictionary(zip(ports, ends), uniquingKeysWith: { first, _ in first })
  }

  static func mac(_ index: Int) -> MACAddress { MACAddress(0x0200_0000_0001 + UInt64(index)) }

  /// A frame from one VM to another whose payload is a number.
  static func frame(from: Int, to: MACAddress, number: UInt32, size: Int = 60) -> [UInt8] {
    var frame = to.bytes + mac(from).bytes + [0x88, 0xB5]
    frame.appendBig(number)
    return frame + Array(repeating: 0, count: max(0, size - frame.count))
  }

  func send(_ frame: [UInt8], from: Int) throws {
    while Glibc.send(ends[from], frame, frame.count, 0) < 0 {
      guard errno == EAGAIN || errno == EINTR else { throw SystemError("send") }
      var entries = [pollfd(fd: ends[from], events: Int16(POLLOUT), revents: 0)]
      _ = try Readiness.poll(&entries, until: .after(.seconds(10)))
    }
  }

  /// The next frame; nil when none comes in time.
  func receive(at index: Int, within limit: Duration = .seconds(10)) throws -> [UInt8]? {
    guard try Readiness.waitReadable(ends[index], until: .after(limit)) else { return nil }
    var bytes = [UInt8](repeating: 0, count: 70000)
    let count = recv(ends[index], &bytes, bytes.count, Int32(truncatingIfNeeded: MSG_DONTWAIT))
    return count > 0 ? Array(bytes.prefix(count)) : nil
  }

  /// The numbers of the frames that arrive before the frame with the number `last`.
  func numbers(at index: Int, until last: UInt32) throws -> [UInt32] {
    var numbers: [UInt32] = []
    while let frame = try receive(at: index), let number: UInt32 = frame.integer(at: 14, .bigEndian) {
      if number == last { return numbers }
      numbers.append(number)
    }
    Issue.record("the frame \(last) did not arrive")
    return numbers
  }
}
