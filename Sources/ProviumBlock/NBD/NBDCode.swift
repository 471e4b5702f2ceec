import Glibc
package import ProviumSystem

/// The numbers of the NBD protocol (github.com/NetworkBlockDevice/nbd, doc/proto.md). All integers are big-endian.
enum NBDCode {
  static let initialMagic: UInt64 = 0x4e42_444d_4147_4943
  static let optionMagic: UInt64 = 0x4948_4156_454f_5054
  static let optionReplyMagic: UInt64 = 0x0003_e889_0455_65a9
  static let requestMagic: UInt32 = 0x2560_9513
  static let replyMagic: UInt32 = 0x6744_6698

  /// Fixed newstyle negotiation, without 124 bytes of zeroes after an export.
  static let handshakeFlags: UInt16 = 0b11
  static let noZeroes: UInt32 = 0b10

  enum Option: UInt32 {
    case exportName = 1, abort = 2, list = 3, info = 6, go = 7
  }

  enum OptionReply {
    static let acknowledged: UInt32 = 1
    static let server: UInt32 = 2
    static let info: UInt32 = 3
    static let unsupported: UInt32 = 1 << 31 | 1
    static let invalid: UInt32 = 1 << 31 | 3
    static let unknownExport: UInt32 = 1 << 31 | 6
    static let tooBig: UInt32 = 1 << 31 | 9
  }

  enum Info {
    static let export: UInt16 = 0
    static let blockSize: UInt16 = 3
  }

  enum Command: UInt16 {
    case read = 0, write = 1, disconnect = 2, flush = 3, trim = 4, writeZeroes = 6
  }

  enum CommandFlag {
    static let durable: UInt16 = 1
    /// WRITE_ZEROES must not make a hole. The disk has no holes that its user could see.
    static let noHole: UInt16 = 2
  }

  /// Has flags; flush; FUA; trim; write zeroes.
  static let transmissionFlags: UInt16 = 1 | 4 | 8 | 32 | 64

  /// The errors that a reply can carry.
  static let errors = [EPERM, EIO, ENOMEM, EINVAL, ENOSPC, EOVERFLOW, ENOTSUP, ESHUTDOWN]
}

/// The errors that a disk can answer with.
package enum DiskErrno {
  package static let all = NBDCode.errors.map { Errno($0) }

  /// - Parameter name: `EIO`.
  package static func named(_ name: String) -> Errno? { all.first { $0.name == name } }
}
