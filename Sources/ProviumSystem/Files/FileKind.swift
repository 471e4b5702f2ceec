import Glibc

/// The kind of a file, after symbolic links.
package enum FileKind: Sendable, CustomStringConvertible {
  case regular, directory, pipe, socket, device

  package var description: String {
    switch self {
    case .regular: "a regular file"
    case .directory: "a folder"
    case .pipe: "a named pipe"
    case .socket: "a socket"
    case .device: "a device"
    }
  }

  /// nil if there is no such file, or the link to it is broken.
  package init?(of path: String) {
    var status = stat()
    guard stat(path.cPath, &status) == 0 else { return nil }
    switch status.st_mode & S_IFMT {
    case S_IFREG: self = .regular
    case S_IFDIR: self = .directory
    case S_IFIFO: self = .pipe
    case S_IFSOCK: self = .socket
    default: self = .device
    }
  }
}
