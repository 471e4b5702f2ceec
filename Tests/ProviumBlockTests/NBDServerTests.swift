import Glibc
import ProviumBlock
import ProviumSystem
import Testing

/// A client that speaks the protocol byte by byte.
struct RawClient: ~Copyable {
  let socket: Descriptor
  let server: NBDServer

  init(_ disk: BlockDisk) throws {
    let pair = try Descriptor.socketPair()
    server = try NBDServer(disk, on: Descriptor(owning: dup(pair.theirs.raw)))
    socket = pair.takeOurs()
    var limit = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(socket.raw, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  func send(_ bytes: [UInt8]) {
    _ = bytes.withUnsafeBytes { Glibc.send(socket.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
  }

  /// At most `count` bytes; fewer if the server has closed the connection.
  func receive(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      var part = [UInt8](repeating: 0, count: count - bytes.count)
      let got = recv(socket.raw, &part, part.count, 0)
      guard got > 0 else { break }
      bytes += part.prefix(got)
    }
    return bytes
  }

  /// Negotiates with NBD_OPT_EXPORT_NAME.
  func open() {
    _ = receive(18)
    send([0, 0, 0, 3] + Array("IHAVEOPT".utf8) + [0, 0, 0, 1, 0, 0, 0, 0])
    _ = receive(10)
  }

  func request(
    _ command: UInt16,
    cookie: UInt64,
    _ offset: UInt64,
    _ length: UInt32,
    flags: UInt16 = 0,
    _ data: [UInt8] = []
  ) {
    func big(_ number: some FixedWidthInteger) -> [UInt8] {
      withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }
    send(
      big(0x2560_9513 as UInt32) + big(flags) + big(command) + big(cookie) + big(offset) + big(length) + data
    )
  }

  /// The error and the cookie of the next reply.
  func reply() -> (error: UInt32, cookie: UInt64)? {
    let bytes = receive(16)
    guard let error: UInt32 = bytes.integer(at: 4, .bigEndian),
      let cookie: UInt64 = bytes.integer(at: 8, .bigEndian)
    else { return nil }
    return (error, cookie)
  }
}

@Suite("The NBD server")
struct NBDServerTests {
  @Test("writes and reads over a socket")
  func requests() throws {
    let disk = try BlockDisk(testing: 1 << 20)
    let client = try RawClient(disk)
    client.open()
    client.request(1, cookie: 5, 4096, 512, block(7, 512))
    #expect(client.reply()?.cookie == 5)
    client.request(0, cookie: 6, 4096, 1024)
    #expect(client.reply()?.error == 0)
    #expect(client.receive(1024) == block(7, 512) + block(0, 512))
    client.request(3, cookie: 7, 0, 0)
    #expect(client.reply()?.error == 0)
    #expect(disk.hasUnflushed == false)
  }

  @Test("answers many requests that are sent at once, each with its cookie")
  func pipeline() throws {
    let disk = try BlockDisk(testing: 1 << 20)
    let client = try RawClient(disk)
    client.open()
    for index in 0..<200 {
      client.request(1, cookie: UInt64(index), UInt64(index) * 4096, 512, block(UInt8(index), 512))
    }
    for index in 0..<200 { #expect(client.reply()?.cookie == UInt64(index)) }
  }

  @Test("a delayed answer does not hold back a later one")
  func delays() throws {
    let disk = try BlockDisk(testing: 1 << 20)
    let client = try RawClient(disk)
    client.open()
    disk.changePolicy { $0.slow(latency: .milliseconds(200), jitter: .zero, rate: nil) }
    client.request(3, cookie: 1, 0, 0)
    usleep(50_000)
    disk.changePolicy { $0.clear() }
    client.request(3, cookie: 2, 0, 0)
    #expect(client.reply()?.cookie == 2)
    #expect(client.reply()?.cookie == 1)
  }

  /// A request, and the errno of its refusal.
  struct Refusal: Sendable {
    var command: UInt16
    var offset: UInt64
    var length: UInt32
    var errno: Int32

    init(_ command: UInt16, _ offset: UInt64, _ length: UInt32, _ errno: Int32) {
      (self.command, self.offset, self.length, self.errno) = (command, offset, length, errno)
    }

    static let all = [
      Refusal(0, 1 << 20, 512, EINVAL), Refusal(0, 1 << 63, 512, EINVAL), Refusal(0, .max, 4096, EINVAL),
      Refusal(0, 100, 512, EINVAL), Refusal(0, 0, 100, EINVAL), Refusal(0, 0, 0, EINVAL),
      Refusal(0, 0, 64 << 20, EINVAL), Refusal(1, 1 << 20, 512, ENOSPC), Refusal(4, 0, .max - 511, ENOSPC),
      Refusal(6, 4096, 1 << 20, ENOSPC), Refusal(77, 0, 512, EINVAL), Refusal(5, 0, 512, EINVAL),
    ]
  }

  @Test("refuses a request that no disk can carry out, and goes on", arguments: Refusal.all)
  func refusals(_ refusal: Refusal) throws {
    let client = try RawClient(BlockDisk(testing: 1 << 20))
    client.open()
    let payload = refusal.command == 1 ? block(0, Int(refusal.length)) : []
    client.request(refusal.command, cookie: 1, refusal.offset, refusal.length, payload)
    #expect(client.reply()?.error == UInt32(refusal.errno))
    client.request(3, cookie: 2, 0, 0)
    #expect(client.reply()?.cookie == 2)
  }

  @Test("bytes that are not a request end the connection, and not the process")
  func violations() throws {
    let disk = try BlockDisk(testing: 1 << 20)
    for bytes in [block(0, 28), block(0xff, 28)] {
      let client = try RawClient(disk)
      client.open()
      client.send(bytes)
      #expect(client.receive(1).isEmpty)
    }
    let client = try RawClient(disk)
    client.open()
    client.request(1, cookie: 1, 0, 1 << 30)
    #expect(client.receive(1).isEmpty, "a write of 1 GiB is not accepted")
  }

  @Test(
    "random bytes at any point of a conversation end at most the connection",
    arguments: 0..<40 as Range<UInt64>
  )
  func garbage(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let disk = try BlockDisk(testing: 1 << 20)
    let client = try RawClient(disk)
    if seed % 2 == 0 { client.open() }
    for _ in 0..<20 {
      if seed % 4 < 2 {
        // Half of it well-formed, so that it gets past the first check.
        client.request(
          UInt16.random(in: 0...9, using: &generator),
          cookie: 0,
          UInt64.random(in: 0...UInt64.max, using: &generator)
            >> UInt64.random(in: 0...63, using: &generator),
          UInt32.random(in: 0...UInt32.max, using: &generator)
            >> UInt32.random(in: 8...31, using: &generator),
          flags: UInt16.random(in: 0...3, using: &generator)
        )
      } else {
        client.send(Array("IHAVEOPT".utf8))
        client.send((0..<64).map { _ in UInt8.random(in: 0...255, using: &generator) })
      }
    }
    client.server.stop()
    #expect(disk.problem == nil)
  }

  @Test("a client that never reads its answers is ended by stop")
  func stuckClient() throws {
    let client = try RawClient(BlockDisk(testing: 64 << 20))
    client.open()
    for index in 0..<8 { client.request(0, cookie: UInt64(index), 0, 32 << 20) }
    client.server.stop()
  }

  @Test("a disk without power ends the connection without an answer")
  func powerCut() throws {
    let disk = try BlockDisk(testing: 1 << 20)
    let client = try RawClient(disk)
    client.open()
    try disk.cutPower()
    client.request(3, cookie: 1, 0, 0)
    #expect(client.receive(1).isEmpty)
  }
}
