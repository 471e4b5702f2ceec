import Glibc
import ProviumSystem

/// Why a device of the host cannot be used, as far as the remedy depends on it.
package enum DeviceObstacle: Sendable, Hashable {
  case absent, forbidden, broken

  /// The obstacle of a device that cannot be opened.
  init(_ errno: Errno) {
    switch errno.number {
    case ENOENT: self = .absent
    case EACCES, EPERM: self = .forbidden
    default: self = .broken
    }
  }

  /// Why `device` cannot be opened.
  /// - Parameter hint: what a user may be lacking, for a device that is forbidden.
  static func reason(cannotOpen device: String, _ errno: Errno, hint: String = "") -> String {
    switch DeviceObstacle(errno) {
    case .absent: "no \(device)"
    case .forbidden: "no permission for \(device)\(hint.isEmpty ? "" : " (\(hint))")"
    case .broken: "\(device) cannot be opened: \(errno.name)"
    }
  }
}
