internal import CProviumWire

/// GONE, the end of a process of the agent: `target u32, pid i32, wait status i32`.
struct GoneReply {
  let target: UInt32
  let pid: Int32
  /// The status, as `wait4(2)` gives it.
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
