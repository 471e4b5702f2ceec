import Glibc

/// The way to the agent of a guest.
package enum GuestEndpoint: Sendable, Hashable {
  /// The host ends of the two virtio-serial ports (Unix stream sockets). Connecting takes ownership of the
  /// descriptors.
  case serial(main: Int32, control: Int32)
  case vsock(cid: UInt32, secret: GuestSecret)
  /// Unix sockets `PREFIX.PORT` instead of vsock ports, for an agent that runs on this host.
  case sockets(prefix: String, secret: GuestSecret)
  /// Two connected streams. Workers cannot be reached. Connecting takes ownership of the descriptors.
  case streams(main: Int32, control: Int32)

  var isLink: Bool { if case .serial = self { true } else { false } }

  /// The secret that a connection begins with; nil where no other process can connect.
  var secret: GuestSecret? {
    switch self {
    case .vsock(_, let secret), .sockets(_, let secret): secret
    case .serial, .streams: nil
    }
  }

  /// Closes the descriptors of `serial` and `streams`, when no connection is made.
  package func abandon() {
    switch self {
    case .serial(let main, let control), .streams(let main, let control):
      close(main)
      close(control)
    case .vsock, .sockets: break
    }
  }

  /// Whether a connection that was cut can be made again.
  var canRedial: Bool {
    switch self {
    case .vsock, .sockets: true
    case .serial, .streams: false
    }
  }
}
