internal import CProviumWire

/// The type byte of a message, as `provium_wire.h` numbers them.
package struct MessageCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  package let rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }
  private init(_ request: pv_request) { rawValue = UInt8(truncatingIfNeeded: request.rawValue) }
  private init(_ reply: pv_reply) { rawValue = UInt8(truncatingIfNeeded: reply.rawValue) }

  static let shutdown = Self(PV_SHUTDOWN)
  static let syscall = Self(PV_SYSCALL)
  static let ioctl = Self(PV_IOCTL)
  static let execAsync = Self(PV_EXEC_ASYNC)
  static let ioctlBuffer = Self(PV_IOCTL_BUF)
  static let spawnWorker = Self(PV_SPAWN_WORKER)
  static let syscallPointers = Self(PV_SYSCALL_PTR)
  static let resume = Self(PV_RESUME)
  static let execFull = Self(PV_EXEC_FULL)
  static let standardInput = Self(PV_STDIN)
  static let writePiece = Self(PV_WRITE_PIECE)
  static let readStream = Self(PV_READ_STREAM)
  static let kernelLog = Self(PV_KERNEL_LOG)
  static let mountVFS = Self(PV_MOUNT_VFS)
  static let mount = Self(PV_MOUNT)
  static let stat = Self(PV_STAT)
  static let list = Self(PV_LIST)
  static let jobCollect = Self(PV_JOB_COLLECT)
  static let state = Self(PV_STATE)
  static let quiesce = Self(PV_QUIESCE)
  static let echo = Self(PV_ECHO)
  static let secret = Self(PV_SECRET)
  static let interrupt = Self(PV_INTERRUPT)
  static let killWorker = Self(PV_KILL_WORKER)
  static let followLog = Self(PV_FOLLOW_LOG)
  static let logCredit = Self(PV_LOG_CREDIT)
  static let logSync = Self(PV_LOG_SYNC)

  static let ready = Self(PV_READY)
  static let error = Self(PV_ERROR)
  static let syscallResult = Self(PV_SYSCALL_RESULT)
  static let jobStarted = Self(PV_JOB_STARTED)
  static let workerStarted = Self(PV_WORKER_STARTED)
  static let resumed = Self(PV_RESUMED)
  static let output = Self(PV_OUTPUT)
  static let execDone = Self(PV_EXEC_DONE)
  static let data = Self(PV_DATA)
  static let done = Self(PV_DONE)
  static let statResult = Self(PV_STAT_RESULT)
  static let jobDone = Self(PV_JOB_DONE)
  static let stateResult = Self(PV_STATE_RESULT)
  static let gone = Self(PV_GONE)
  static let logRecords = Self(PV_LOG_RECORDS)

  /// `0x8A`.
  package var description: String {
    let digits = String(rawValue, radix: 16, uppercase: true)
    return "0x\(digits.count < 2 ? "0" : "")\(digits)"
  }
}

/// Limits of the wire, as `provium_wire.h` sets them.
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
  package static let nonceSize = Int(PV_NONCE_SIZE)
  package static let seedSize = Int(PV_SEED_SIZE)
  package static let secretSize = Int(PV_SECRET_SIZE)
  package static let buildIDSize = Int(PV_BUILD_ID_SIZE)
  /// Bytes that one buffer of a system call may have: the host's own rule, so that several fit one message.
  package static let buffer = 8 << 20
}
