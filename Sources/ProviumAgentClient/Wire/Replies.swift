internal import CProviumWire

/// READY: `protocol u16, machine u16, pid i32, boot_nonce[16], build_id[16]`.
package struct ReadyReply: Hashable, Sendable {
  package let protocolVersion: UInt16
  /// ELF `e_machine`: 62 x86-64, 183 aarch64, 243 riscv.
  package let machine: UInt16
  package let pid: Int32
  /// Random, the same for all connections of one boot of the guest.
  package let bootNonce: [UInt8]
  package let buildID: [UInt8]

  /// A version that differs is all that is certain about a READY of another protocol.
  init(_ payload: UnsafeRawBufferPointer) throws {
    var reader = MessageReader(payload)
    protocolVersion = try reader.integer()
    guard protocolVersion == WireLimit.protocolVersion else {
      machine = 0
      pid = 0
      bootNonce = []
      buildID = []
      return
    }
    machine = try reader.integer()
    pid = try reader.integer()
    bootNonce = try reader.array(WireLimit.nonceSize)
    buildID = try reader.array(WireLimit.buildIDSize)
    try reader.finish()
  }
}

/// ERROR: `errno i32, message`.
struct ErrorReply {
  let errno: Int32
  let message: String

  init(_ payload: UnsafeRawBufferPointer) throws {
    var reader = MessageReader(payload)
    errno = try reader.integer()
    // A kilobyte says enough; more is a guest that talks us into using memory.
    message = String(decoding: try reader.bytes(min(reader.rest.count, 1024)), as: UTF8.self)
  }
}

/// SYSCALL_RESULT: `result i64`, then buffers of the lengths that were sent.
struct CallReply {
  let result: Int64
  let pieces: [[UInt8]]

  init(_ payload: UnsafeRawBufferPointer, lengths: [Int]) throws {
    var reader = MessageReader(payload)
    result = try reader.integer()
    var pieces: [[UInt8]] = []
    for length in lengths { pieces.append(try reader.array(length)) }
    try reader.finish()
    self.pieces = pieces
  }
}

/// JOB_STARTED: `job u32, pid i32`.
package struct GuestJob: Hashable, Sendable {
  package let id: UInt32
  package let pid: Int32

  package init(id: UInt32, pid: Int32) {
    self.id = id
    self.pid = pid
  }

  init(_ payload: UnsafeRawBufferPointer) throws {
    var reader = MessageReader(payload)
    id = try reader.integer()
    pid = try reader.integer()
    try reader.finish()
  }
}

/// WORKER_STARTED: `number u32, pid i32`.
struct WorkerStartedReply {
  let number: UInt32
  let pid: Int32

  init(_ payload: UnsafeRawBufferPointer) throws {
    var reader = MessageReader(payload)
    number = try reader.integer()
    pid = try reader.integer()
    try reader.finish()
    guard (1...WireLimit.workers).contains(Int(number)) else { throw MalformedPayload() }
  }
}

/// RESUMED: `nonce[16], cid u32, jobs u32, workers u32`.
package struct ResumedReply: Hashable, Sendable {
  let nonce: [UInt8]
  /// 0 in a guest without vsock.
  package let cid: UInt32
  package let jobs: UInt32
  package let workers: UInt32

  init(_ payload: UnsafeRawBufferPointer) throws {
    var reader = MessageReader(payload)
    nonce = try reader.array(WireLimit.nonceSize)
    cid = try reader.integer()
    jobs = try reader.integer()
    workers = try reader.integer()
    try reader.finish()
  }
}

/// OUTPUT: `stream u8, bytes`.
struct OutputReply {
  let isStandardError: Bool
  /// Valid as long as the payload.
  let bytes: UnsafeRawBufferPointer

  init(_ payload: UnsafeRawBufferPointer) throws {
    var reader = MessageReader(payload)
    let stream: UInt8 = try reader.integer()
    guard stream == 1 || stream == 2 else { throw MalformedPayload() }
    isStandardError = stream == 2
    bytes = reader.rest
  }
}

/// EXEC_DONE: `exit_code i32, signal i32, flags u32, holder_pid i32, holder name`.
struct ExecDoneReply {
  let exitCode: Int32
  let signal: Int32
  let timedOut: Bool
  let interrupted: Bool
  /// Somebody else was told how it ended; `exitCode` says nothing.
  let isStatusUnknown: Bool
  let outputHeldBy: OutputHolder?

  init(_ payload: UnsafeRawBufferPointer) throws {
    var reader = MessageReader(payload)
    exitCode = try reader.integer()
    signal = try reader.integer()
    let flags: UInt32 = try reader.integer()
    let pid: Int32 = try reader.integer()
    let name = String(decoding: try reader.bytes(min(reader.rest.count, 64)), as: UTF8.self)
    timedOut = flags & PV_DONE_TIMED_OUT.rawValue != 0
    interrupted = flags & PV_DONE_INTERRUPTED.rawValue != 0
    isStatusUnknown = flags & PV_DONE_STATUS_UNKNOWN.rawValue != 0
    outputHeldBy = flags & PV_DONE_OUTPUT_HELD.rawValue != 0 ? OutputHolder(pid: pid, name: name) : nil
  }
}

/// DONE: `value i64`.
struct DoneReply {
  let value: Int64

  init(_ payload: UnsafeRawBufferPointer) throws {
    var reader = MessageReader(payload)
    value = try reader.integer()
    try reader.finish()
  }
}

/// JOB_DONE: `running u8, exit_code i32, signal i32, flags u32`.
struct JobDoneReply {
  let isRunning: Bool
  let exitCode: Int32
  let signal: Int32
  /// Output beyond what the agent keeps was dropped.
  let isTruncated: Bool

  init(_ payload: UnsafeRawBufferPointer) throws {
    var reader = MessageReader(payload)
    isRunning = try reader.integer(UInt8.self) != 0
    exitCode = try reader.integer()
    signal = try reader.integer()
    isTruncated = try reader.integer(UInt32.self) & PV_JOB_TRUNCATED.rawValue != 0
    try reader.finish()
  }
}

/// GONE: `target u32, pid i32, wait status i32`.
struct GoneReply {
  let target: UInt32
  let pid: Int32
  /// As from `wait4(2)`.
  let waitStatus: Int32
  /// The worker was a thread, and ended because its process, the agent, did.
  let endedWithProcess: Bool

  init(_ payload: UnsafeRawBufferPointer) throws {
    var reader = MessageReader(payload)
    target = try reader.integer()
    pid = try reader.integer()
    let status: Int32 = try reader.integer()
    let flag = Int32(PV_GONE_WITH_PROCESS.rawValue)
    waitStatus = status & ~flag
    endedWithProcess = status & flag != 0
    try reader.finish()
  }
}
