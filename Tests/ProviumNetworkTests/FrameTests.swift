import Testing

@testable import ProviumNetwork

@Suite struct FrameTests {
  private static let a = IPAddress(10, 7, 0, 1)
  private static let b = IPAddress(10, 7, 0, 2)

  private static var samples: [Frame] {
    var base = Frame()
    (base.source, base.destination) = (MACAddress(1), MACAddress(2))
    var udp = base
    udp.ip = IPHeader(source: a, destination: b, transport: IPProtocol.udp)
    udp.udp = UDPHeader(source: 1, destination: 65535)
    udp.payload = [1, 2, 3]
    udp.etherType = EtherType.ipv4
    var tcp = udp
    tcp.ip?.transport = IPProtocol.tcp
    tcp.udp = nil
    tcp.tcp = TCPHeader(source: 80, destination: 81)
    tcp.tcp?.options = [2, 4, 5, 180]
    tcp.tcp?.flags = TCPHeader.syn
    tcp.vlan = 0x2007
    var six = base
    let (from, to) = (IPAddress.linkLocal(MACAddress(1)), IPAddress.linkLocal(MACAddress(2)))
    six.ip = IPHeader(source: from, destination: to, transport: IPProtocol.icmpV6)
    six.icmp = ICMPHeader(type: 128, rest: 0x0001_0002)
    six.payload = Array(0..<57)
    six.etherType = EtherType.ipv6
    var arp = Frame.announcement(of: a, at: MACAddress(1))
    arp.etherType = EtherType.arp
    return [udp, tcp, six, arp]
  }

  @Test("a frame that was encoded is decoded to the same", arguments: samples)
  func roundTrip(frame: Frame) {
    #expect(Frame(frame.encoded) == frame)
  }

  @Test(
    "checksums are those of RFC 1071: the sum over header and payload is zero",
    arguments: samples.prefix(3)
  )
  func checksums(frame: Frame) throws {
    let ip = try #require(frame.ip)
    let start = (frame.vlan == nil ? 14 : 18)
    let bytes = Array(frame.encoded[start...])
    let headerLength = ip.source.isV6 ? 40 : 20
    if !ip.source.isV6 { #expect(Checksum.of(Array(bytes.prefix(20))) == 0) }
    let transport = Array(bytes[headerLength...])
    let pseudo = ip.pseudoHeaderSum(ip.transport, length: transport.count)
    #expect(Checksum.of(transport, start: pseudo) == 0)
  }

  @Test("the example of RFC 1071 has its checksum")
  func checksumExample() {
    #expect(Checksum.of([0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7]) == ~0xDDF2)
  }

  @Test("cut and altered frames are decoded without a crash, and never to more than was sent")
  func hostile() {
    var random = FateRandom(seed: 7, from: 1, to: 2, ordinal: 3)
    var dhcp = DHCPMessage()
    dhcp.options = [.init(code: 53, value: [1]), .init(code: 50, value: [10, 0, 0, 1])]
    let seeds =
      Self.samples.map(\.encoded) + [
        dhcp.encoded, DNSMessage(identifier: 1, name: "a.example", type: 1).encoded,
      ]
    for seed in seeds {
      for length in 0...seed.count { check(Array(seed.prefix(length))) }
      for _ in 0..<3000 {
        var bytes = seed
        for _ in 0...Int.random(in: 0..<6, using: &random) {
          bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        check(Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random))))
      }
    }
  }

  private func check(_ bytes: [UInt8]) {
    let frame = Frame(bytes)
    #expect(frame.payload.count <= bytes.count)
    _ = frame.encoded
    bytes.withUnsafeBytes { raw in
      guard let start = raw.baseAddress else { return }
      for kind in FrameFilter.Kind.allCases {
        _ = FrameFilter(kind: kind, port: 53).matches(start, bytes.count)
      }
    }
    let station = Station(mac: MACAddress(2), addresses: [Self.a, Self.b])
    station.add(AddressAnswerer())
    station.add(PingAnswerer())
    station.add(EchoAnswerer())
    station.add(TCPAnswerer(.sink))
    station.add(TCPAnswerer(.stall))
    station.add(DNSAnswerer(names: ["a.example": [Self.a]]))
    if let subnet = IPSubnet("10.7.0.0/24") { station.add(DHCPAnswerer(subnet: subnet, first: 100)) }
    _ = station.receive(bytes)
    _ = DHCPMessage(bytes)
    _ = DNSMessage(bytes)
  }

  @Test("a DHCP message and a DNS message that were encoded are decoded to the same")
  func messages() {
    var dhcp = DHCPMessage()
    (dhcp.transaction, dhcp.clientMAC, dhcp.flags) = (0x1234_5678, MACAddress(5), 0x8000)
    dhcp.options = [.init(code: 53, value: [3]), .init(code: 50, value: [10, 0, 0, 1])]
    #expect(DHCPMessage(dhcp.encoded) == dhcp)
    #expect(dhcp.kind == .request)
    let dns = DNSMessage(identifier: 7, name: "A.Example", type: 28)
    #expect(DNSMessage(dns.encoded) == dns)
  }

  @Test("subnets give the addresses of their hosts")
  func subnets() throws {
    let four = try #require(IPSubnet("10.7.0.9/30"))
    #expect(four.base == IPAddress(10, 7, 0, 8))
    #expect(four.hostCount == 2)
    #expect(four.host(2) == IPAddress(10, 7, 0, 10))
    #expect(four.host(3) == nil)
    let six = try #require(IPSubnet("fd07::/64"))
    #expect(six.host(258)?.description == "fd07::102")
    #expect(try #require(IPSubnet("10.0.0.0/8")).overlaps(four))
    #expect(!four.overlaps(six))
    for text in ["10.7.0.0", "10.7.0.0/31", "10.7.0.0/x", "x/24", "fd07::/127", ""] {
      #expect(IPSubnet(text) == nil)
    }
  }

  @Test("text that is no address is refused", arguments: ["", "02:00", "02:00:00:00:00:0g", "2:0:0:0:0:1"])
  func badMAC(text: String) {
    #expect(MACAddress(text) == nil)
    #expect(MACAddress("02:00:00:00:00:0a")?.description == "02:00:00:00:00:0a")
  }
}
