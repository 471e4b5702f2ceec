import Glibc
import ProviumSystem
import Synchronization
import Testing

@testable import ProviumAgentClient

@Suite("The connection of shared folders", .timeLimit(.minutes(5))) struct ShareConnectionTests {
  /// A listening Unix socket in place of the guest's vsock port.
  private final class Guest: Sendable {
    let prefix: String
    private let folder: String
    private let listener: Descriptor

    init() throws {
      folder = "/tmp/pg.\(getpid()).\(UInt32.random(in: 0 ... .max))"
      try Files.createDirectories(folder, mode: 0o700)
      prefix = "\(folder)/s"
      listener = Descriptor(
        owning: socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      )
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &address.sun_path) {
        $0.copyBytes(from: "\(prefix).\(GuestPeer.share.port)".utf8)
      }
      let bound = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(listener.raw, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      try #require(bound == 0 && listen(listener.raw, 4) == 0)
    }

    deinit { try? Files.removeTree(folder) }

    /// Accepts a connection, and takes its secret and its HELLO.
    func accept() -> (peer: FakePeer, nonce: [UInt8]) {
      let peer = FakePeer(Descriptor(owning: Glibc.accept(listener.raw, nil, nil)))
      _ = peer.receiveMessage()
      return (peer, peer.receiveHello())
    }
  }

  @Test("is made again when the guest's driver resets it, before and after its beginning")
  func madeAgain() throws {
    let guest = try Guest()
    let replies = Mutex<[[UInt8]]>([])
    let thread = try onThread("guest") {
      guest.accept().peer.end()
      for _ in 0..<2 {
        let (peer, nonce) = guest.accept()
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
