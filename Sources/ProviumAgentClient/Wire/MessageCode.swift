internal import CProviumWire
import ProviumSystem

/// The type byte of a message, with the numbers of `provium_wire.h`. Only types that this host sends or
/// accepts have a name here.
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
  static let interface = Self(PV_INTERFACE)
  static let share = Self(PV_SHARE)
  static let processStart = Self(PV_PROCESS_START)
  static let processRead = Self(PV_PROCESS_READ)
  static let processWrite = Self(PV_PROCESS_WRITE)
  static let processSignal = Self(PV_PROCESS_SIGNAL)
  static let processResize = Self(PV_PROCESS_RESIZE)
  static let processEnd = Self(PV_PROCESS_END)
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
  static let processState = Self(PV_PROCESS_STATE)
  static let gone = Self(PV_GONE)
  static let logRecords = Self(PV_LOG_RECORDS)

  /// The number in hexadecimal: `0x8A`.
  package var description: String {
    "0x" + Hex.text(rawValue).uppercased()
  }
}
