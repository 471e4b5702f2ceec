import Glibc
import ProviumSystem
import Testing

@testable import ProviumAgentClient

/// A listening Unix socket in place of the guest's vsock port.
final class ListeningGuest: Sendable {
  let prefix: String
  private let folder: String
  private let listener: Descriptor

  init(_ port: GuestPeer) throws {
    folder = "/tmp/pg.\(getpid()).\(UInt32.random(in: 0 ... .max))"
    try Files.createDirectories(folder, mode: 0o700)
    prefix = "\(folder)/s"
    listener = Descriptor(
      owning: socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    )
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) {
      $0.copyBytes(from: "\(prefix).\(port.port)".utf8)
    }
    let bound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener.raw, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(bound == 0 && listen(listener.raw, 4) == 0)
  }

  deinit { try? Files.removeTree(folder) }

  /// Accepts a connection, and takes its secret.
  func accept() -> FakePeer {
    let peer = FakePeer(Descriptor(owning: Glibc.accept(listener.raw, nil, nil)))
    _ = peer.receiveMessage()
    return peer
  }
}
