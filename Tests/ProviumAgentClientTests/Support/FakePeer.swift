import Glibc
import ProviumSystem

@testable import ProviumAgentClient

/// The other end of a socket pair, for bytes that no real agent would send.
final class FakePeer: @unchecked Sendable {
  // Sendable because each test uses it from one thread at a time.
  private let socket: Descriptor
  private let received = ByteQueue()

  /// Takes ownership of the connected socket.
  init(_ socket: consuming Descriptor) { self.socket = socket }

  static func pair() throws -> (host: Int32, peer: FakePeer) {
    let pair = try Descriptor.socketPair()
    let peer = FakePeer(try pair.theirs.duplicate())
    return (pair.takeOurs().release(), peer)
  }

  func send(_ bytes: [UInt8]) {
    var at = 0
    while at < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(socket.raw, $0.baseAddress.map { $0 + at }, bytes.count - at, Int32(MSG_NOSIGNAL))
      }
      if count <= 0 { return }
      at += count
    }
  }

  func sendMessage(_ code: MessageCode, _ payload: [UInt8] = []) { send(Self.message(code, payload)) }

  static func message(_ code: MessageCode, _ payload: [UInt8] = []) -> [UInt8] {
    [code.rawValue] + little(UInt32(payload.count)) + payload
  }

  static func ready(
    version: UInt16 = 1,
    machine: UInt16 = 62,
    pid: Int32 = 7,
    nonce: UInt8 = 1,
    build: UInt8 = 2
  ) -> [UInt8] {
    let identity = [UInt8](repeating: nonce, count: 16) + [UInt8](repeating: build, count: 16)
    return message(.ready, little(version) + little(machine) + little(pid) + identity)
  }

  /// The next `count` bytes; fewer at the end.
  func receive(_ count: Int) -> [UInt8] {
    while self.received.count < count {
      let room = self.received.room(65536)
      let got = read(socket.raw, room.baseAddress, room.count)
      if got <= 0 { break }
      self.received.extend(got)
    }
    let bytes = [UInt8](self.received.contents.prefix(count))
    self.received.consume(count)
    return bytes
  }

  /// The next message; nil at the end.
  func receiveMessage() -> (code: MessageCode, payload: [UInt8])? {
    let header = receive(5)
    guard header.count == 5 else { return nil }
    let length = header[1...].enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
    return (MessageCode(rawValue: header[0]), receive(length))
  }

  /// Takes in padding and HELLO, and gives its nonce.
  func receiveHello() -> [UInt8] {
    _ = receive(LinkFrame.paddingSize)
    return Array(receive(LinkFrame.headerSize + 16).suffix(16))
  }

  /// The next link frame.
  func receiveFrame() -> (type: LinkFrameType, channel: UInt16, payload: [UInt8])? {
    var parser = LinkParser()
    while true {
      if let frame = try? parser.next(in: received) {
        return (frame.type, frame.channel, [UInt8](copying: frame.payload))
      }
      let room = received.room(65536)
      let got = read(socket.raw, room.baseAddress, room.count)
      if got <= 0 { return nil }
      received.extend(got)
    }
  }

  func end() { shutdown(socket.raw, Int32(SHUT_RDWR)) }
}

func little<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
}

/// A sequence of numbers that is the same on every run.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed &+ 0x9E37_79B9_7F4A_7C15 }
  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }
}

/// Runs `body` on a thread of its own; `join` waits for it.
func onThread(_ name: String, _ body: @escaping @Sendable () -> Void) throws -> DedicatedThread {
  try DedicatedThread(name: name, stackSize: 1 << 20, body)
}
