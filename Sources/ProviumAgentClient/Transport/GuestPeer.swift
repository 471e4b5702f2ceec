internal import CProviumWire

/// A process of the agent that has a connection of its own.
package enum GuestPeer: Hashable, Sendable {
  case control, main, share
  case worker(UInt32)

  /// The number in INTERRUPT and GONE.
  var target: UInt32 { if case .worker(let number) = self { number } else { 0 } }

  /// The vsock port.
  var port: UInt32 {
    switch self {
    case .control: PV_VSOCK_CONTROL_PORT
    case .main: PV_VSOCK_PORT
    case .share: PV_VSOCK_SHARE_PORT
    case .worker(let number): PV_VSOCK_WORKER_BASE + number
    }
  }
}
