import Glibc
import ProviumSystem

/// Connects to an agent, and tries again while the guest boots or resumes.
struct Dialler {
  let peer: GuestPeer
  let alarm: EventDescriptor
  let liveness: (any Liveness)?
  /// How long the first connection may be silent before another one is made; twice as long for each further one.
  var patience = Duration.seconds(5)
  let history = DialHistory()

  /// The first and the longest pause between two attempts. A guest whose driver is not loaded yet gives no
  /// event to wait for.
  private static let firstPause = Duration.milliseconds(2)
  private static let longestPause = Duration.milliseconds(50)

  /// Returns a connected socket. Blocks.
  func dial(_ endpoint: GuestEndpoint, until deadline: Deadline) throws -> PolledSocket {
    var delay = Self.firstPause
    while true {
      do {
        let socket = try PolledSocket(
          try attempt(endpoint, until: deadline),
          alarm: alarm,
          liveness: liveness
        )
        if let secret = endpoint.secret { try present(secret, to: socket, until: deadline) }
        return socket
      } catch TransportFailure.ended where endpoint.canRedial {
        history.noteCut()
        try pause(delay, until: deadline)
        delay = min(delay * 2, Self.longestPause)
      } catch let error as SystemError where Self.isTransient(error.errno) {
        history.noteRefusal(error.errno)
        try pause(delay, until: deadline)
        delay = min(delay * 2, Self.longestPause)
      }
    }
  }

  /// Returns a connected socket whose first bytes have arrived in `inbox`. Blocks.
  ///
  /// A driver of the guest that starts, or a resume, cuts connections. A vsock host is not always told of it, so a connection
  /// that stays silent is given up for another one.
  func dialAnswering(_ endpoint: GuestEndpoint, into inbox: ByteQueue, until deadline: Deadline) throws
    -> PolledSocket
  {
    var patience = patience
    while true {
      let socket = try dial(endpoint, until: deadline)
      let limit = endpoint.canRedial ? .earliest(deadline, .after(patience)) : deadline
      do {
        if try socket.read(into: inbox, wanting: 4096, until: limit) { return socket }
        history.noteSilence()
        guard endpoint.canRedial, !deadline.isExpired else { throw TransportFailure.deadline }
        patience = patience * 2
      } catch TransportFailure.ended where endpoint.canRedial {
        history.noteCut()
        inbox.clear()
        try pause(.milliseconds(5), until: deadline)
      }
    }
  }

  private func present(_ secret: GuestSecret, to socket: PolledSocket, until deadline: Deadline) throws {
    let message = try secret.message()
    try withExtendedLifetime(message) {
      var vectors = IOVectors([message.head.bytes])
      while !vectors.isEmpty { try socket.writeSome(&vectors, until: deadline) }
    }
  }

  private func attempt(_ endpoint: GuestEndpoint, until deadline: Deadline) throws -> Descriptor {
    switch endpoint {
    case .serial(let main, let control), .streams(let main, let control):
      return Descriptor(owning: peer == .control ? control : main)
    case .vsock(let cid, _):
      let socket = try Vsock.connect(cid: cid, port: peer.port)
      var polls = PolledSocket.polls(socket.raw, Int16(POLLOUT), alarm, liveness)
      guard try PolledSocket.poll(&polls, liveness, until: deadline) else { throw TransportFailure.deadline }
      if let errno = SocketStatus.error(socket.raw) {
        throw SystemError("connect to vsock port", "\(cid):\(peer.port)", errno)
      }
      return socket
    case .sockets(let prefix, _):
      return try Self.connectUnix("\(prefix).\(peer.port)")
    }
  }

  /// Whether an attempt may succeed later: the guest, its driver or the agent is not ready, or a snapshot has
  /// cut the connection.
  private static func isTransient(_ errno: Errno) -> Bool {
    [ENODEV, ECONNRESET, ETIMEDOUT, ECONNREFUSED, ENOENT, EINTR, EAGAIN, EPIPE, EHOSTUNREACH].contains(
      errno.number
    )
  }

  /// Blocks for a time. The end of the VM and the alarm end the pause with an error.
  func pause(_ duration: Duration, until deadline: Deadline) throws {
    if deadline.isExpired { throw TransportFailure.deadline }
    let end = Deadline.earliest(deadline, .after(duration))
    var polls = PolledSocket.polls(-1, 0, alarm, liveness)
    _ = try PolledSocket.poll(&polls, liveness, until: end)
  }

  private static func connectUnix(_ path: String) throws -> Descriptor {
    let socket = Descriptor(
      owning: socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    )
    guard socket.raw >= 0 else { throw SystemError("make a socket") }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let capacity = MemoryLayout.size(ofValue: address.sun_path)
    guard path.utf8.count < capacity else { throw SystemError("connect to", path, Errno(ENAMETOOLONG)) }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket.raw, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0 else { throw SystemError("connect to", path) }
    return socket
  }
}
