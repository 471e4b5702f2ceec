internal import CLinux

/// Stream sockets to a guest's address (`vsock(7)`).
package enum Vsock {
  /// Why this process cannot make vsock sockets (a seccomp filter, no support in the kernel); nil: it can.
  package static var refusal: Errno? {
    let result = clinux_vsock_allowed()
    return result == 0 ? nil : Errno(-result)
  }

  /// A non-blocking socket with a connect to a guest's port begun: writable once that is decided, and then
  /// `SocketStatus.error` tells how.
  package static func connect(cid: UInt32, port: UInt32) throws -> Descriptor {
    let raw = clinux_vsock_connect(cid, port)
    guard raw >= 0 else { throw SystemError("connect to vsock port", "\(cid):\(port)", Errno(-raw)) }
    return Descriptor(owning: raw)
  }
}

/// What a socket has to tell beside its bytes.
package enum SocketStatus {
  /// The error pending on the socket (`SO_ERROR`), which is thereby cleared; nil when there is none.
  package static func error(_ socket: Int32) -> Errno? {
    let result = clinux_socket_error(socket)
    return result == 0 ? nil : Errno(-result)
  }

  /// Bytes that the peer has not taken yet (`SIOCOUTQ`); nil when the kernel does not say.
  package static func unread(_ socket: Int32) -> Int? {
    let result = clinux_socket_unread(socket)
    return result >= 0 ? Int(result) : nil
  }
}
