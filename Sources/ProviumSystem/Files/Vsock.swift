internal import CLinux

/// Stream sockets to a guest's address (`vsock(7)`).
package enum Vsock {
  /// The error of making a vsock socket in this process (a seccomp filter, no support in the kernel); nil
  /// when it works.
  package static var refusal: Errno? {
    let result = clinux_vsock_allowed()
    return result == 0 ? nil : Errno(-result)
  }

  /// Begins to connect to a guest's port. The socket is non-blocking. It becomes writable when the attempt
  /// has ended; `SocketStatus.error` then says how.
  package static func connect(cid: UInt32, port: UInt32) throws -> Descriptor {
    let raw = clinux_vsock_connect(cid, port)
    guard raw >= 0 else { throw SystemError("connect to vsock port", "\(cid):\(port)", Errno(-raw)) }
    return Descriptor(owning: raw)
  }
}
