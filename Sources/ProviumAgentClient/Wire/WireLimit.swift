internal import CProviumWire

/// The limits of the protocol, from `provium_wire.h`.
package enum WireLimit {
  package static let protocolVersion = UInt16(truncatingIfNeeded: PV_PROTOCOL_VERSION)
  /// Bytes of a message's type and length.
  package static let headerSize = Int(PV_MESSAGE_HEADER_SIZE)
  /// Bytes of payload in one message.
  package static let payload = Int(PV_MAX_PAYLOAD)
  /// Bytes in one piece of a stream.
  package static let piece = Int(PV_PIECE_SIZE)
  package static let syscallArguments = Int(PV_MAX_SYSCALL_ARGS)
  package static let pointers = Int(PV_MAX_POINTERS)
  package static let workers = Int(PV_MAX_WORKERS)
  /// Folders of the host in one guest.
  package static let shares = Int(PV_MAX_SHARES)
  package static let nonceSize = Int(PV_NONCE_SIZE)
  package static let seedSize = Int(PV_SEED_SIZE)
  package static let secretSize = Int(PV_SECRET_SIZE)
  package static let buildIDSize = Int(PV_BUILD_ID_SIZE)
  /// Bytes in one buffer of a system call. The host sets this limit, so that several buffers fit into one
  /// message.
  package static let buffer = 8 << 20
}
