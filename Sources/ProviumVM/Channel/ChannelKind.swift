internal import CLinux
import Glibc
package import ProviumSystem

/// How host and guest talk.
package enum ChannelKind: String, Sendable, Codable, CaseIterable {
  case vsock
  case virtioSerial = "virtio-serial"
}

/// Which channel a run uses, and why not the other.
package struct ChannelVerdict: Sendable, Hashable {
  package let kind: ChannelKind
  /// Empty for vsock; else why it is not: `no /dev/vhost-vsock`.
  package let reason: String
  /// Why vsock is not used, where that can be mended; nil where it is, or nobody wants it.
  package let obstacle: DeviceObstacle?

  package init(_ kind: ChannelKind, reason: String = "", obstacle: DeviceObstacle? = nil) {
    self.kind = kind
    self.reason = reason
    self.obstacle = obstacle
  }

  /// vsock where all that a machine needs of it was had: a CID, reserved and given back, and a socket. Else a virtio-serial
  /// port.
  /// - Parameter socket: whether this process may make vsock sockets; nil: it may.
  package static func choose(
    device: String = GuestCID.device,
    socket: () -> Errno? = { Vsock.refusal }
  ) -> ChannelVerdict {
    let descriptor: Descriptor
    do { descriptor = try Descriptor.open(device, O_RDWR) } catch let error as SystemError {
      let obstacle = DeviceObstacle(error.errno)
      let reason =
        switch obstacle {
        case .absent: "no \(device)"
        case .forbidden: "no permission for \(device)"
        case .broken: "\(device) does not open: \(error.errno.name)"
        }
      return ChannelVerdict(.virtioSerial, reason: reason, obstacle: obstacle)
    } catch { return ChannelVerdict(.virtioSerial, reason: "\(error)", obstacle: .broken) }
    do { _ = try GuestCID.reserve(on: descriptor, device: device) } catch {
      return ChannelVerdict(
        .virtioSerial,
        reason: "\(device) gives no CID: \((error as? SystemError)?.errno.name ?? "\(error)")",
        obstacle: .broken
      )
    }
    if let errno = socket() {
      return ChannelVerdict(
        .virtioSerial,
        reason: "vsock sockets are refused: \(errno.name)",
        obstacle: .broken
      )
    }
    return ChannelVerdict(.vsock)
  }
}

/// A vsock context identifier that nobody else on this host uses, held by an open /dev/vhost-vsock: reserved without a race,
/// and given back when the descriptor is closed.
package struct GuestCID: ~Copyable {
  package static let device = "/dev/vhost-vsock"
  package let number: UInt32
  /// Handed to QEMU as `vhostfd`.
  package let descriptor: Descriptor

  /// From 10 upwards; 0 to 2 are the hypervisor's and the host's, and the first few are left to people.
  package static func reserve(device: String = GuestCID.device) throws -> GuestCID {
    try reserve(on: try Descriptor.open(device, O_RDWR), device: device)
  }

  static func reserve(on descriptor: consuming Descriptor, device: String) throws -> GuestCID {
    for number in UInt32(10)..<UInt32(10_000) {
      let result = clinux_vhost_set_cid(descriptor.raw, UInt64(number))
      if result == 0 { return GuestCID(number: number, descriptor: descriptor) }
      guard -result == EADDRINUSE else {
        throw SystemError("reserve a vsock CID with", device, Errno(-result))
      }
    }
    throw SystemError("reserve a vsock CID: all from 10 to 9999 are taken, with", device, Errno(EADDRINUSE))
  }

  private init(number: UInt32, descriptor: consuming Descriptor) {
    self.number = number
    self.descriptor = descriptor
  }
}
