import Glibc
import ProviumTesting
import Testing

/// Stations of networks, and networks that reach the host, in tests that are written in Swift.
@Suite("Stations in Swift", .requires(.virtualMachines))
struct StationTests {
  @Test("a station gets the frames of another in their order, and waits no longer than it is told")
  func frames() async throws {
    let lan = try Network("lan", subnets: ["10.7.0.0/24", "fd07::/64"])
    let first = try lan.station(mac: MACAddress("02:00:00:00:00:99"), address: IPAddress("10.7.0.9"))
    let second = try lan.station()
    #expect(first.mac.description == "02:00:00:00:00:99")
    #expect(first.addresses.map(\.description) == ["10.7.0.9", "fd07::1"])
    for number in UInt8(1)...3 {
      var frame = Frame()
      (frame.destination, frame.etherType, frame.payload) = (second.mac, 0x88B5, [number])
      try first.send(frame)
    }
    let received = try await second.expect { $0.payload == [2] }
    #expect(received.source == first.mac)
    var rest: [[UInt8]] = []
    for try await frame in try second.frames(for: .milliseconds(20)) { rest.append(frame.payload) }
    #expect(rest == [[3]])
    first.send(bytes: second.mac.bytes + first.mac.bytes + [0x88, 0xB5, 4])
    #expect(try await second.expect().payload == [4])
    var datagram = Frame()
    datagram.ip = IPHeader(source: first.addresses[0], destination: second.addresses[0])
    datagram.udp = UDPHeader(source: 1, destination: 2)
    try first.send(datagram)
    let arrived = try await second.expect()
    #expect(arrived.destination == .broadcast && arrived.udp == datagram.udp && arrived.ip?.transport == 17)
    try first.send(datagram)
    second.clear()
    let error = await #expect(throws: ProviumError.self) {
      try await second.expect(timeout: .milliseconds(20))
    }
    first.send(bytes: second.mac.bytes + first.mac.bytes + [0x88, 0xB5, 5])
    #expect(try await second.expect(timeout: .zero).payload == [5])
    // Other frames, without end, do not prolong the wait.
    first.send(bytes: second.mac.bytes + first.mac.bytes + [0x88, 0xB5, 6])
    await #expect(throws: ProviumError.self) {
      try await second.expect(timeout: .milliseconds(5)) {
        first.send(bytes: second.mac.bytes + first.mac.bytes + [0x88, 0xB5] + $0.payload)
        return false
      }
    }
    #expect(error?.code == .timeout)
    #expect(error?.message.contains("no frame that was expected arrived on lan") == true)
  }

  @Test("a cancelled task does not wait for a frame") func cancellation() async throws {
    let station = try Network("lan").station()
    let task = Task { try await station.expect(timeout: .seconds(3600)) }
    task.cancel()
    let error = await #expect(throws: ProviumError.self) { try await task.value }
    #expect(error?.code == .interrupted)
    let waiting = Task { for try await _ in try station.frames(for: .seconds(3600)) {} }
    // Whether the wait has begun by now or not, it ends.
    await Task.yield()
    waiting.cancel()
    await #expect(throws: ProviumError.self) { try await waiting.value }
  }

  @Test("impossible stations and frames are refused") func mistakes() throws {
    let lan = try Network("lan", subnets: ["10.7.0.0/24"])
    let station = try lan.station(address: IPAddress("10.7.0.9"))
    #expect(throws: ProviumError.self) { try lan.station(address: IPAddress("10.7.0.9")) }
    #expect(throws: ProviumError.self) { try lan.station(address: IPAddress("10.8.0.9")) }
    #expect(throws: ProviumError.self) { try lan.station(mac: station.mac) }
    #expect(throws: ProviumError.self) { try lan.station(mac: .broadcast) }
    #expect(throws: ProviumError.self) {
      try Network("six", subnets: ["fd07::/64"]).station(answering: .dhcp)
    }
    var frame = Frame()
    frame.udp = UDPHeader(source: 1, destination: 2)
    #expect(throws: ProviumError.self) { try station.send(frame) }
    frame.ip = try IPHeader(source: #require(IPAddress("fd07::1")), destination: .anyV4)
    let error = #expect(throws: ProviumError.self) { try station.send(frame) }
    #expect(error?.message == "an IP packet has addresses of one family")
    frame = Frame()
    frame.payload = Array(repeating: 0, count: 65001)
    #expect(throws: ProviumError.self) { try station.send(frame) }
    #expect(throws: ProviumError.self) { try Network("wan", hasDHCP: true, reachesHost: true) }
    #expect(throws: ProviumError.self) { try Network("wan", subnets: ["fd07::/64"], reachesHost: true) }
  }

  @Test("impairments, drops and partitions hold for stations, too") func members() async throws {
    let lan = try Network("lan", subnets: ["10.7.0.0/24"])
    let one = try lan.station(), two = try lan.station(), three = try lan.station()
    /// The numbers of the frames 1 to 3 from `one` that reach `two`, which the last frame of `three` always does.
    func arriving() async throws -> [UInt8] {
      for (sender, number) in [(one, UInt8(1)), (one, 2), (one, 3), (three, 9)] {
        sender.send(bytes: two.mac.bytes + sender.mac.bytes + [0x88, 0xB5, number])
      }
      var numbers: [UInt8] = []
      while numbers.last != 9 { numbers += try await two.expect().payload }
      return numbers.dropLast()
    }
    #expect(try await arriving() == [1, 2, 3])
    try lan.drop(.all, from: one, to: two, nth: 2)
    #expect(try await arriving() == [1, 3])
    lan.removeDrops()
    try lan.partition([one], [two, three])
    #expect(try await arriving() == [])
    lan.heal()
    var cut = Impairment()
    cut.isCut = true
    try lan.set(cut, between: one, and: two)
    #expect(try await arriving() == [])
    try lan.set(nil, between: one, and: two)
    #expect(try await arriving() == [1, 2, 3])
    let foreign = try Network("other").station()
    let error = #expect(throws: ProviumError.self) { try lan.partition([one], [foreign]) }
    #expect(error?.message == "the station is not on the network lan")
  }

  @Test("a VM talks to stations and, through a forwarded port, to this computer") func machine() async throws
  {
    let lan = try Network("lan", subnets: ["10.7.0.0/24"])
    let wan = try Network("wan", subnets: ["10.8.0.0/24"], reachesHost: true)
    let server = try lan.station(address: IPAddress("10.7.0.9"), answering: .arp, .ping)
    try server.answer(.dns(["a.example": [IPAddress(10, 7, 0, 77)]]))
    let hole = try lan.station(address: IPAddress("10.7.0.10"), answering: .arp)
    try await withVirtualMachine(.init(memory: .mebibytes(256)), networks: [lan, wan]) { vm in
      #expect(try await vm.exec("ping -c 1 -W 2 10.7.0.9").isSuccess)
      let answer = try await vm.exec("nslookup a.example 10.7.0.9").standardOutput.text
      #expect(answer.contains("10.7.0.77"))
      #expect(try await vm.exec("ping -c 1 -W 1 10.7.0.10").isSuccess == false)
      let request = try await hole.expect { $0.icmp?.type == 8 }
      #expect(try request.source == lan.mac(of: vm))
      #expect(request.ip?.destination == hole.addresses.first)
      // The test itself answers an echo request, and a query. The guest waits long for both: beside other
      // tests, minutes can pass before this one gets a thread to answer on.
      let ping = try await vm.background("ping -c 1 -W 600 10.7.0.10")
      var pong = try await hole.expect { $0.icmp?.type == 8 }.reply(from: hole.mac)
      pong.icmp?.type = 0
      try hole.send(pong)
      #expect(try await ping.wait(atMost: .seconds(120)) == .exited(0))
      let lookup = try await vm.background(
        "nslookup -retry=1 -timeout=600 -type=a b.example 10.7.0.10"
      )
      let query = try await hole.expect { $0.udp?.destination == 53 }
      var message = try #require(DNSMessage(query.payload))
      #expect(message.name == "b.example" && message.type == DNSMessage.RecordType.a)
      message.isResponse = true
      message.answers = [IPAddress(10, 7, 0, 78)]
      var response = query.reply(from: hole.mac)
      response.udp = query.udp.map { UDPHeader(source: $0.destination, destination: $0.source) }
      response.payload = message.encoded
      try hole.send(response)
      try await lookup.wait(atMost: .seconds(120))
      #expect(try await lookup.poll().standardOutput.text.contains("10.7.0.78"))

      #expect(throws: ProviumError.self) { try lan.forward(to: 80, of: vm) }
      #expect(throws: ProviumError.self) { try wan.forward(to: 0, of: vm) }
      let port = try wan.forward(to: 8000, of: vm)
      #expect(throws: ProviumError.self) { try wan.forward(to: 8001, of: vm, from: port) }
      let listener = try await vm.background("echo hello | nc -l -p 8000")
      try await vm.exec("while ! grep -qs ':1F40 ' /proc/net/tcp /proc/net/tcp6; do sleep 0.02; done")
      #expect(try Self.firstBytes(ofPort: port) == "hello\n")
      try await listener.wait(atMost: .seconds(120))
    }
  }

  /// Connects to a TCP port of this computer, and reads once.
  private static func firstBytes(ofPort port: UInt16) throws -> String {
    let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    try #require(number >= 0)
    defer { close(number) }
    var limit = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try #require(result == 0)
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = read(number, &bytes, bytes.count)
    try #require(count >= 0)
    return String(decoding: bytes.prefix(count), as: UTF8.self)
  }
}
