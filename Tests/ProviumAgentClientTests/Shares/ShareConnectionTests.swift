import Glibc
import ProviumSystem
import Synchronization
import Testing

@testable import ProviumAgentClient

@Suite("The connection of shared folders", .timeLimit(.minutes(5))) struct ShareConnectionTests {
  @Test("is made again when the guest's driver resets it, before and after its beginning")
  func madeAgain() throws {
    let guest = try ListeningGuest(.share)
    let replies = Mutex<[[UInt8]]>([])
    let thread = try onThread("guest") {
      guest.accept().end()
      for _ in 0..<2 {
        let peer = guest.accept()
        let nonce = peer.receiveHello()
        peer.send(LinkFrame.bytes(.helloAcknowledged, payload: nonce))
        peer.send(LinkFrame.bytes(.data, channel: 1, payload: [1, 2, 3]))
        let reply = peer.receiveFrame()?.payload ?? []
        replies.withLock { $0.append(reply) }
        peer.end()
      }
    }
    let connection = try ShareConnection(
      to: .sockets(prefix: guest.prefix, secret: .random()),
      serial: nil,
      liveness: nil,
      prepare: {},
      handler: { _, request, send in try send(request) }
    )
    thread.join()
    connection.close()
    #expect(replies.withLock { $0 } == [[1, 2, 3], [1, 2, 3]])
  }

  /// A connection over a socket pair, and the guest's end of it.
  private func connection(
    _ handler: @escaping ShareConnection.Handler
  ) throws -> (connection: ShareConnection, guest: FakePeer) {
    let pair = try FakePeer.pair()
    let connection = try ShareConnection(
      to: .sockets(prefix: "", secret: .random()),
      serial: Descriptor(owning: pair.host),
      liveness: nil,
      prepare: {},
      handler: handler
    )
    return (connection, pair.peer)
  }

  @Test(
    "survives bytes that are no frames, before and after its beginning, and ends",
    arguments: [1, 2, 3] as [UInt64]
  )
  func garbage(seed: UInt64) throws {
    var random = SeededGenerator(seed)
    let noise = (0..<1 << 20).map { _ in UInt8.random(in: 0...255, using: &random) }
    for begins in [false, true] {
      let requests = Mutex(0)
      let (connection, guest) = try connection { _, _, _ in requests.withLock { $0 += 1 } }
      if begins {
        let nonce = guest.receiveHello()
        guest.send(LinkFrame.bytes(.helloAcknowledged, payload: nonce))
        guest.send(LinkFrame.bytes(.data, channel: 1, payload: [1, 2, 3]))
      }
      let thread = try onThread("noise") { guest.send(noise) }
      // All of it was read, or the host has ended the connection.
      thread.join()
      connection.close()
      #expect(guest.receive(1).isEmpty || !begins, "the guest does not see the end")
      // Noise after the beginning can have frames in it.
      #expect(begins ? requests.withLock { $0 } >= 1 : requests.withLock { $0 } == 0)
    }
  }

  @Test("ends where a guest sends requests and reads no replies, with little memory")
  func hog() throws {
    let answered = Mutex(0)
    let (connection, guest) = try connection { _, _, send in
      try [UInt8](repeating: 7, count: 60 << 10).withUnsafeBytes(send)
      answered.withLock { $0 += 1 }
    }
    let nonce = guest.receiveHello()
    guest.send(LinkFrame.bytes(.helloAcknowledged, payload: nonce))
    let request = LinkFrame.bytes(.data, channel: 1, payload: [UInt8](repeating: 1, count: 4096))
    let batch = Array(repeatElement(request, count: 64).joined())
    // 64 MiB, of which the host takes 8 and what the socket holds.
    for _ in 0..<256 { guest.send(batch) }
    var unread = 0
    while true {
      let bytes = guest.receive(65536)
      if bytes.isEmpty { break }
      unread += bytes.count
    }
    #expect(answered.withLock { $0 } < 64, "replies that nothing read were taken for sent")
    #expect(unread < 4 << 20)
    connection.close()
  }
}
