import Glibc
package import ProviumSystem

/// The channel of a run, and the reason for the choice.
package struct ChannelVerdict: Sendable, Hashable {
  package let kind: ChannelKind
  /// Empty for vsock; else why it is not used: `no /dev/vhost-vsock`.
  package let reason: String
  /// Why vsock cannot be used, where a user can change that; nil where it is used, or was not asked for.
  package let obstacle: DeviceObstacle?

  package init(_ kind: ChannelKind, reason: String = "", obstacle: DeviceObstacle? = nil) {
    self.kind = kind
    self.reason = reason
    self.obstacle = obstacle
  }

  /// Chooses vsock where everything that a VM needs of it can be had: a CID, which is reserved and released, and a socket.
  /// Chooses virtio-serial otherwise.
  /// - Parameter socket: returns why this process may not make vsock sockets; nil: it may.
  package static func choose(
    device: String = GuestCID.device,
    socket: () -> Errno? = { Vsock.refusal }
  ) -> ChannelVerdict {
    let descriptor: Descriptor
    do { descriptor = try Descriptor.open(device, O_RDWR) } catch let error as SystemError {
      let reason = DeviceObstacle.reason(cannotOpen: device, error.errno)
      return ChannelVerdict(.virtioSerial, reason: reason, obstacle: DeviceObstacle(error.errno))
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
