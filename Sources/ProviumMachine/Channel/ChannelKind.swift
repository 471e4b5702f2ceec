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

  package init(_ kind: ChannelKind, reason: String = "") {
    self.kind = kind
    self.reason = reason
  }

  /// vsock where its device opens, else a virtio-serial port.
  package static func choose(device: String = GuestCID.device) -> ChannelVerdict {
    let opened = open(device, O_RDWR | O_CLOEXEC)
    if opened >= 0 {
      close(opened)
      return ChannelVerdict(.vsock)
    }
    switch errno {
    case ENOENT: return ChannelVerdict(.virtioSerial, reason: "no \(device)")
    case EACCES, EPERM: return ChannelVerdict(.virtioSerial, reason: "no permission for \(device)")
    default: return ChannelVerdict(.virtioSerial, reason: "\(device) does not open: \(Errno.current.name)")
    }
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
    let descriptor = try Descriptor.open(device, O_RDWR)
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
