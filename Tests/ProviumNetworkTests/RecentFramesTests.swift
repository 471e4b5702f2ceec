import Glibc
import ProviumSystem
import Testing

@testable import ProviumNetwork

@Suite struct RecentFramesTests {
  /// The network's recent frames: for each packet block of the file its interface, captured length, whole length.
  private static func packets(in bytes: [UInt8]) -> [[UInt32]] {
    var (at, found): (Int, [[UInt32]]) = (0, [])
    while let type: UInt32 = bytes.integer(at: at, .littleEndian),
      let length: UInt32 = bytes.integer(at: at + 4, .littleEndian), length >= 12
    {
      if type == 6 {
        found.append([8, 20, 24].compactMap { bytes.integer(at: at + $0, as: UInt32.self, .littleEndian) })
      }
      at += Int(length)
    }
    return found
  }

  @Test("the last frames are written with their senders, receivers and sizes, the oldest are forgotten")
  func last() throws {
    let net = try TestNetwork(ports: 2)
    let count = UInt32(RecentFrames.capacity)
    for number in 0..<count {
      try net.send(TestNetwork.frame(from: 0, to: TestNetwork.mac(1), number: number, size: 1000), from: 0)
      _ = try net.receive(at: 1)
    }
    let path = "/tmp/provium-recent-\(getpid())"
    defer { unlink(path) }
    let written = try net.network.writeRecent(to: try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC))
    #expect(written == RecentFrames.capacity)
    let packets = Self.packets(in: try Files.read(path))
    // Each frame is there twice: from its sender, and to its receiver.
    #expect(packets.count == RecentFrames.capacity)
    #expect(packets.suffix(2) == [[0, 256, 1000], [1, 256, 1000]])
  }

  @Test("a line names the frame, also one of which the beginning alone is kept, and the cause of a drop")
  func lines() throws {
    let net = try TestNetwork(ports: 2)
    var frame = Frame()
    (frame.source, frame.destination) = (TestNetwork.mac(0), TestNetwork.mac(1))
    frame.ip = IPHeader(
      source: IPAddress(10, 0, 0, 1),
      destination: IPAddress(10, 0, 0, 2),
      transport: IPProtocol.tcp
    )
    frame.tcp = TCPHeader(source: 1000, destination: 80)
    frame.tcp?.flags = TCPHeader.syn | TCPHeader.ack
    frame.payload = Array(repeating: 1, count: 800)
    net.network.drop(FrameFilter(kind: .tcp), from: nil, to: nil, nth: nil)
    try net.send(frame.encoded, from: 0)
    try net.send(TestNetwork.frame(from: 0, to: TestNetwork.mac(1), number: 1), from: 0)
    #expect(try net.numbers(at: 1, until: 1) == [])
    let from = net.network.recentLines(10, of: net.ports[0])
    #expect(from.count == 2)
    let line = try #require(from.first)
    #expect(
      line.hasSuffix(" ms ago, from vm0: TCP 10.0.0.1:1000 > 10.0.0.2:80 [SA] seq 0 ack 0, 854 bytes"),
      "\(line)"
    )
    let to = net.network.recentLines(10, of: net.ports[1])
    #expect(try #require(to.first).hasSuffix("854 bytes; dropped: matched"))
    #expect(net.network.recentLines(1, of: net.ports[1]).count == 1)
  }
}
