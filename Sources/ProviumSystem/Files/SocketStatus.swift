internal import CLinux

/// The state of a socket.
package enum SocketStatus {
  /// Returns the pending error of the socket (`SO_ERROR`) and clears it; nil when there is none.
  package static func error(_ socket: Int32) -> Errno? {
    let result = clinux_socket_error(socket)
    return result == 0 ? nil : Errno(-result)
  }
}
