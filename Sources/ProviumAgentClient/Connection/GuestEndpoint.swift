internal import CProviumWire
import Glibc
import ProviumSystem

/// How a guest's agent is reached.
package enum GuestEndpoint: Sendable, Hashable {
  /// Host ends of the two virtio-serial ports (Unix stream sockets). Whoever connects takes the descriptors over.
  case serial(main: Int32, control: Int32)
  case vsock(cid: UInt32, secret: GuestSecret)
  /// Unix sockets `PREFIX.PORT` in place of vsock ports: an agent that runs on this host.
  case sockets(prefix: String, secret: GuestSecret)
  /// Two connected streams; there is no way to workers.
  case streams(main: Int32, control: Int32)

  var isLink: Bool { if case .serial = self { true } else { false } }

  /// What a connection begins with; nil where nobody else can connect.
  var secret: GuestSecret? {
    switch self {
    case .vsock(_, let secret), .sockets(_, let secret): secret
    case .serial, .streams: nil
    }
  }

  /// Closes what `serial` and `streams` hand over: for a connect that does not begin.
  package func abandon() {
    switch self {
    case .serial(let main, let control), .streams(let main, let control):
      close(main)
      close(control)
    case .vsock, .sockets: break
    }
  }
}

/// Which of an agent's connections.
package enum GuestPeer: Hashable, Sendable {
  case control, main
  case worker(UInt32)

  /// As INTERRUPT and GONE number them.
  var target: UInt32 { if case .worker(let number) = self { number } else { 0 } }

  var port: UInt32 {
    switch self {
    case .control: PV_VSOCK_CONTROL_PORT
    case .main: PV_VSOCK_PORT
    case .worker(let number): PV_VSOCK_WORKER_BASE + number
    }
  }
}

/// Calls a listening agent until it answers.
struct Dialler {
  let peer: GuestPeer
  let alarm: EventDescriptor
  let vitals: (any VitalSigns)?

  /// First and longest wait between two attempts, in milliseconds. A guest whose driver is not up yet gives no event.
  private static let firstPause: UInt64 = 2
  private static let longestPause: UInt64 = 50

  /// A connected socket. Retries what a guest that is still booting, or resuming, can cause.
  func dial(_ endpoint: GuestEndpoint, until deadline: Deadline) throws -> PolledSocket {
    var pause = Self.firstPause
    while true {
      do {
        let socket = try PolledSocket(try attempt(endpoint, until: deadline), alarm: alarm, vitals: vitals)
        if let secret = endpoint.secret { try show(secret, to: socket, until: deadline) }
        return socket
      } catch TransportFailure.ended where endpoint.canRedial {
        try wait(milliseconds: pause, until: deadline)
        pause = min(pause * 2, Self.longestPause)
      } catch let error as SystemError where Self.isTransient(error.errno) {
        try wait(milliseconds: pause, until: deadline)
        pause = min(pause * 2, Self.longestPause)
      }
    }
  }

  private func show(_ secret: GuestSecret, to socket: PolledSocket, until deadline: Deadline) throws {
    let message = try Request.secret(secret)
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
      var polls = PolledSocket.polls(socket.raw, Int16(POLLOUT), alarm, vitals)
      guard try PolledSocket.poll(&polls, vitals, until: deadline) else { throw TransportFailure.deadline }
      if let errno = SocketStatus.error(socket.raw) {
        throw SystemError("connect to vsock port", "\(cid):\(peer.port)", errno)
      }
      return socket
    case .sockets(let prefix, _):
      return try Self.connectUnix("\(prefix).\(peer.port)")
    }
  }

  /// No such guest yet, no driver yet, nobody listening yet, or a connection that a snapshot has cut.
  private static func isTransient(_ errno: Errno) -> Bool {
    [ENODEV, ECONNRESET, ETIMEDOUT, ECONNREFUSED, ENOENT, EINTR, EAGAIN, EPIPE, EHOSTUNREACH].contains(
      errno.number
    )
  }

  /// A pause that the machine's death and the alarm end.
  func wait(milliseconds: UInt64, until deadline: Deadline) throws {
    if deadline.isExpired { throw TransportFailure.deadline }
    let end = min(deadline, Deadline(nanoseconds: Deadline.now + milliseconds * 1_000_000))
    var polls = PolledSocket.polls(-1, 0, alarm, vitals)
    _ = try PolledSocket.poll(&polls, vitals, until: end)
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
