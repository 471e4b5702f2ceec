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
}
