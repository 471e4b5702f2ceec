internal import CLinux
import Glibc
package import ProviumSystem

/// A vsock context identifier that no other VM of this host has. An open /dev/vhost-vsock reserves it, without a race, until
/// the descriptor is closed.
package struct GuestCID: ~Copyable {
  package static let device = "/dev/vhost-vsock"
  package let number: UInt32
  /// Handed to QEMU as `vhostfd`.
  package let descriptor: Descriptor

  /// Reserves the first free one from 10 upwards: 0 to 2 have a meaning of their own, and the next few are left to VMs that
  /// people start by hand.
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

  /// Gives the descriptor up: the CID stays reserved while it is open.
  package consuming func takeDescriptor() -> Descriptor {
    let raw = descriptor.release()
    return Descriptor(owning: raw)
  }

  private init(number: UInt32, descriptor: consuming Descriptor) {
    self.number = number
    self.descriptor = descriptor
  }
}
