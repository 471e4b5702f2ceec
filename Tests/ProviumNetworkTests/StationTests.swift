import Glibc
import ProviumSystem
import Testing

@testable import ProviumNetwork

@Suite struct StationTests {
  private static let guest = IPAddress(10, 7, 0, 1)
  private static let host = IPAddress(10, 7, 0, 9)
  private static let mac = MACAddress(0x0200_0000_0099)

  private func makeStation(_ net: TestNetwork, _ answerers: any Answerer...) -> (Station, PortNumber) {
    let station = Station(mac: Self.mac, addresses: [Self.host])
    for answerer in answerers { station.add(answerer) }
    return (station, net.network.addPort(name: "port", station: station))
  }

  private func udp(to port: UInt16, _ payload: [UInt8]) -> Frame {
    var frame = Frame()
    (frame.source, frame.destination) = (TestNetwork.mac(0), Self.mac)
    frame.ip = IPHeader(source: Self.guest, destination: Self.host, transport: IPProtocol.udp)
    frame.udp = UDPHeader(source: 1234, destination: port)
    frame.payload = payload
    return frame
  }

  @Test("a station answers ARP and ping")
  func arpAndPing() throws {
    let net = try TestNetwork(ports: 1)
    _ = makeStation(net, AddressAnswerer(), PingAnswerer())
    var ask = Frame.announcement(of: Self.guest, at: TestNetwork.mac(0))
    ask.arp?.targetIP = Self.host
    try net.send(ask.encoded, from: 0)
    let answer = try #require(try net.receive(at: 0))
    #expect(Frame(answer).arp?.senderMAC == Self.mac)
    var ping = udp(to: 0, [1, 2, 3])
    ping.udp = nil
    ping.ip?.transport = IPProtocol.icmp
    ping.icmp = ICMPHeader(type: 8, rest: 77)
    try net.send(ping.encoded, from: 0)
    let pong = Frame(try #require(try net.receive(at: 0)))
    #expect(pong.icmp == ICMPHeader(type: 0, rest: 77))
    #expect(pong.payload == [1, 2, 3])
    #expect(pong.ip?.destination == Self.guest)
  }

  @Test(
    "a station accepts TCP connections: a sink acknowledges data and the end, a stalled one no byte",
    arguments: [true, false]
  )
  func tcp(isSink: Bool) throws {
    let net = try TestNetwork(ports: 1)
    _ = makeStation(net, TCPAnswerer(isSink ? .sink : .stall))
    var segment = udp(to: 0, [])
    segment.udp = nil
    segment.ip?.transport = IPProtocol.tcp
    func exchange(_ flags: UInt8, sequence: UInt32, acknowledging: UInt32, _ payload: [UInt8]) throws
      -> TCPHeader
    {
      var header = TCPHeader(source: 1234, destination: 80)
      (header.flags, header.sequence, header.acknowledgement) = (flags, sequence, acknowledging)
      segment.tcp = header
      segment.payload = payload
      try net.send(segment.encoded, from: 0)
      let answer = try #require(try net.receive(at: 0))
      return try #require(Frame(answer).tcp)
    }
    let opened = try exchange(TCPHeader.syn, sequence: 99, acknowledging: 0, [])
    #expect(opened.flags == TCPHeader.syn | TCPHeader.ack)
    #expect(opened.acknowledgement == 100)
    #expect(opened.window == (isSink ? 65535 : 0))
    let next = opened.sequence &+ 1
    // An acknowledgement alone gets no answer: the next frame answers the data.
    segment.tcp?.flags = TCPHeader.ack
    segment.payload = []
    try net.send(segment.encoded, from: 0)
    let data = try exchange(TCPHeader.ack, sequence: 100, acknowledging: next, [1, 2, 3])
    #expect(data.acknowledgement == (isSink ? 103 : 100))
    #expect(data.sequence == next)
    let end = try exchange(TCPHeader.fin | TCPHeader.ack, sequence: 103, acknowledging: next, [])
    #expect(end.acknowledgement == (isSink ? 104 : 103))
    #expect(end.flags & TCPHeader.fin == (isSink ? TCPHeader.fin : 0))
  }

  @Test("a station echoes datagrams and resolves names")
  func echoAndNames() throws {
    let net = try TestNetwork(ports: 1)
    _ = makeStation(net, DNSAnswerer(names: ["b": [IPAddress(10, 7, 0, 2)]]))
    try net.send(udp(to: 53, DNSMessage(identifier: 9, name: "b", type: 1).encoded).encoded, from: 0)
    let reply = Frame(try #require(try net.receive(at: 0)))
    #expect(Array(reply.payload.suffix(4)) == [10, 7, 0, 2])
    #expect(reply.udp == UDPHeader(source: 53, destination: 1234))
    let other = try TestNetwork(ports: 1)
    _ = makeStation(other, EchoAnswerer())
    try other.send(udp(to: 7, [9, 8]).encoded, from: 0)
    #expect(try other.receive(at: 0).map { Frame($0).payload } == [9, 8])
  }

  @Test("a DHCP client gets a lease, the same one again, and no address that it was not offered")
  func dhcp() throws {
    let net = try TestNetwork(ports: 1)
    let subnet = try #require(IPSubnet("10.7.0.0/24"))
    _ = makeStation(net, DHCPAnswerer(subnet: subnet, first: 100))
    func ask(_ kind: DHCPMessage.Kind, _ wanted: IPAddress? = nil) throws -> DHCPMessage {
      var message = DHCPMessage()
      message.clientMAC = TestNetwork.mac(0)
      message.options = [.init(code: DHCPMessage.Option.kind, value: [kind.rawValue])]
      if let wanted {
        message.options.append(.init(code: DHCPMessage.Option.requestedAddress, value: wanted.bytes))
      }
      var frame = udp(to: DHCPMessage.serverPort, message.encoded)
      frame.destination = .broadcast
      try net.send(frame.encoded, from: 0)
      let reply = try #require(try net.receive(at: 0))
      return try #require(DHCPMessage(Frame(reply).payload))
    }
    let offer = try ask(.discover)
    #expect(offer.kind == .offer)
    #expect(offer.yourAddress == IPAddress(10, 7, 0, 100))
    #expect(offer.option(DHCPMessage.Option.subnetMask) == [255, 255, 255, 0])
    #expect(try ask(.request, offer.yourAddress).kind == .ack)
    #expect(try ask(.request, IPAddress(10, 7, 0, 200)).kind == .nak)
    #expect(try ask(.discover).yourAddress == offer.yourAddress)
  }

  @Test("a script's station sends frames and receives them in order")
  func inbox() throws {
    let net = try TestNetwork(ports: 1)
    let (station, port) = makeStation(net)
    net.network.send(TestNetwork.frame(from: 5, to: TestNetwork.mac(0), number: 3), from: port)
    #expect(try net.receive(at: 0)?.integer(at: 14, as: UInt32.self, .bigEndian) == 3)
    for number in 0..<10 as Range<UInt32> {
      try net.send(TestNetwork.frame(from: 0, to: Self.mac, number: number), from: 0)
    }
    for number in 0..<10 as Range<UInt32> {
      let frame = station.next(until: .after(.seconds(10)))
      #expect(frame?.integer(at: 14, as: UInt32.self, .bigEndian) == number)
    }
    #expect(station.next(until: .after(.zero)) == nil)
  }

  @Test("two stations that answer each other do not stop the switch")
  func endlessReplies() throws {
    struct Loud: Answerer {
      func replies(to frame: Frame, for station: Station) -> [[UInt8]] {
        var reply = frame
        (reply.source, reply.destination) = (station.mac, .broadcast)
        return [reply.encoded]
      }
    }
    let net = try TestNetwork(ports: 2)
    for index in 0..<2 {
      let station = Station(mac: MACAddress(0x0200_0000_0050 + UInt64(index)), addresses: [])
      station.add(Loud())
      _ = net.network.addPort(name: "loud\(index)", station: station)
    }
    try net.send(TestNetwork.frame(from: 0, to: .broadcast, number: 1), from: 0)
    try net.send(TestNetwork.frame(from: 0, to: TestNetwork.mac(1), number: 2), from: 0)
    #expect(try net.numbers(at: 1, until: 2).allSatisfy { $0 == 1 })
  }

  @Test("a capture has every frame, and why one was dropped")
  func capture() throws {
    var path = Array("/tmp/provium-capture-XXXXXX".utf8CString)
    let file = mkstemp(&path)
    #expect(file >= 0)
    defer { unlink(path) }
    let net = try TestNetwork(ports: 2)
    net.network.startCapture(Descriptor(owning: dup(file)))
    var cut = Impairment()
    cut.isCut = true
    try net.send(TestNetwork.frame(from: 0, to: TestNetwork.mac(1), number: 1), from: 0)
    #expect(try net.receive(at: 1) != nil)
    net.network.set(cut, from: net.ports[0], to: net.ports[1])
    try net.send(TestNetwork.frame(from: 0, to: TestNetwork.mac(1), number: 2), from: 0)
    try net.send(TestNetwork.frame(from: 1, to: TestNetwork.mac(0), number: 3), from: 1)
    while net.network.counts(of: net.ports[0]).received < 2 {
      _ = try net.receive(at: 0, within: .milliseconds(1))
    }
    while net.network.counts(of: net.ports[1]).received < 1 {
      _ = try net.receive(at: 0, within: .milliseconds(1))
    }
    // In and out of the first and the third, in and dropped of the second.
    #expect(try net.network.stopCapture() == 6)
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = pread(file, &bytes, bytes.count, 0)
    close(file)
    bytes = Array(bytes.prefix(max(0, count)))
    // The blocks follow each other to the end of the file, each with its length at both ends.
    var (at, types): (Int, [UInt32]) = (0, [])
    while at < bytes.count {
      let type: UInt32 = try #require(bytes.integer(at: at))
      let length: UInt32 = try #require(bytes.integer(at: at + 4))
      #expect(length % 4 == 0 && length >= 12)
      #expect(bytes.integer(at: at + Int(length) - 4, as: UInt32.self) == length)
      types.append(type)
      at += Int(max(length, 12))
    }
    #expect(types == [0x0A0D_0D0A, 1, 1] + Array(repeating: 6, count: 6))
    #expect(String(decoding: bytes, as: UTF8.self).contains("dropped: cut (frame 1)"))
  }
}
