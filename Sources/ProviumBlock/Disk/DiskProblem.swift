/// Why a disk could not do what a disk does, by no fault that a test asked for. Tests must see it.
package enum DiskProblem: Error, Sendable, Hashable, CustomStringConvertible {
  /// The overlay holds as many bytes as it may.
  case overlayFull(limit: Int)
  /// A file of the host failed.
  case host(String)

  package var description: String {
    switch self {
    case .overlayFull(let limit):
      "its changes reached the limit of \(limit) bytes, and a write failed with ENOSPC; raise the limit (overlay)"
    case .host(let reason): "a request failed with EIO: \(reason)"
    }
  }
}
