import Glibc
import ProviumSystem
import Testing

@testable import ProviumNetwork

@Suite struct SwitchTests {
  @Test("a frame reaches the owner of its address alone, and a broadcast reaches all others")
  func forwarding() throws {
    let net = try TestNetwork(ports: 3)
    try net.send(TestNetwork.frame(from: 0, to: TestNetwork.mac(1), number: 7), from: 0)
    #expect(try net.receive(at: 1)?.integer(at: 14, as: UInt32.self, .bigEndian) == 7)
    try net.send(TestNetwork.frame(from: 0, to: .broadcast, number: 8), from: 0)
    for index in [1, 2] {
      #expect(try net.receive(at: index)?.integer(at: 14, as: UInt32.self, .bigEndian) == 8)
    }
  }

  @Test("the switch learns an address from the source of a frame")
  func learning() throws {
    let net = try TestNetwork(ports: 3)
    let other = MACAddress(0x0200_0000_0099)
    var frame = TestNetwork.frame(from: 2, to: .broadcast, number: 1)
    frame.replaceSubrange(6..<12, with: other.bytes)
    try net.send(frame, from: 2)
    _ = try net.receive(at: 0)
    _ = try net.receive(at: 1)
    try net.send(TestNetwork.frame(from: 0, to: other, number: 2), from: 0)
    #expect(try net.receive(at: 2)?.integer(at: 14, as: UInt32.self, .bigEndian) == 2)
    try net.send(TestNetwork.frame(from: 0, to: TestNetwork.mac(1), number: 3), from: 0)
    #expect(try net.numbers(at: 1, until: 3) == [])
    #expect(net.network.counts(of: net.ports[2]).foreign == 1)
  }

  @Test(
    "frames that no Ethernet has are dropped and counted, and the port stays connected",
    arguments: [1, 13]
  )
  func runts(size: Int) throws {
    let net = try TestNetwork(ports: 2)
    try net.send(Array(repeating: 0xFF, count: size), from: 0)
    try net.send(Array(repeating: 0, count: 100_000), from: 0)
    try net.send(TestNetwork.frame(from: 0, to: TestNetwork.mac(1), number: 1), from: 0)
    #expect(try net.numbers(at: 1, until: 1) == [])
    let counts = net.network.counts(of: net.ports[0])
    #expect(counts[.runt] == 1)
    #expect(counts[.oversized] == 1)
  }

  @Test("a receiver that does not read loses frames, which are counted, and the sender is not blocked")
  func flood() throws {
    let net = try TestNetwork(ports: 3)
    let count: UInt32 = 20_000
    for number in 0..<count {
      try net.send(TestNetwork.frame(from: 0, to: TestNetwork.mac(1), number: number), from: 0)
    }
    try net.send(TestNetwork.frame(from: 0, to: TestNetwork.mac(2), number: count), from: 0)
    #expect(try net.numbers(at: 2, until: count) == [])
    let dropped = net.network.counts(of: net.ports[1])[.receiverQueue]
    #expect(dropped > 0)
    // Frames that were not dropped arrive in order.
    var last: UInt32?
    var arrived = 0
    while arrived + dropped < Int(count), let frame = try net.receive(at: 1) {
      let number: UInt32 = try #require(frame.integer(at: 14, .bigEndian))
      if let last { #expect(number > last) }
      last = number
      arrived += 1
    }
    #expect(arrived + dropped == Int(count))
  }

  @Test("ports of different groups of a partition cannot reach each other until it heals")
  func partition() throws {
    let net = try TestNetwork(ports: 3)
    net.network.partition([[net.ports[0]], [net.ports[1]]])
    try net.send(TestNetwork.frame(from: 0, to: TestNetwork.mac(1), number: 1), from: 0)
    // A port of no group reaches all. Its frame comes later through the same thread.
    try net.send(TestNetwork.frame(from: 0, to: TestNetwork.mac(2), number: 2), from: 0)
    #expect(try net.numbers(at: 2, until: 2) == [])
    net.network.partition([])
    try net.send(TestNetwork.frame(from: 0, to: TestNetwork.mac(1), number: 3), from: 0)
    #expect(try net.numbers(at: 1, until: 3) == [])
    #expect(net.network.counts(of: net.ports[1])[.partitioned] == 1)
  }

  @Test("a rule drops the n-th frame that matches, and no other")
  func nthFrame() throws {
    let net = try TestNetwork(ports: 2)
    net.network.drop(FrameFilter(kind: .udp, port: 53), from: net.ports[0], to: net.ports[1], nth: 2)
    for port in [53, 99, 53, 53] as [UInt16] {
      var frame = Frame()
      (frame.source, frame.destination) = (TestNetwork.mac(0), TestNetwork.mac(1))
      frame.ip = IPHeader(source: IPAddress(10, 0, 0, 1), destination: IPAddress(10, 0, 0, 2), transport: 17)
      frame.udp = UDPHeader(source: 1000, destination: port)
      try net.send(frame.encoded, from: 0)
    }
    var ports: [UInt16?] = []
    for _ in 0..<3 { ports.append(try net.receive(at: 1).map { Frame($0).udp?.destination ?? 0 }) }
    #expect(ports == [53, 99, 53])
    #expect(net.network.counts(of: net.ports[1])[.matched] == 1)
  }

  @Test("a closed switch ends its thread and takes no frames; closing it is idempotent")
  func closing() throws {
    let net = try TestNetwork(ports: 1)
    net.network.close()
    net.network.close()
    #expect(throws: SystemError.self) { try net.send(Array(repeating: 0, count: 60), from: 0) }
  }
}
