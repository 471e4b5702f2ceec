/// GONE, the end of a process of the agent: `target u32, pid i32, wait status i32`.
struct GoneReply {
  let target: UInt32
  let pid: Int32
  let waitStatus: Int32

  init(_ payload: UnsafeRawBufferPointer) throws {
    var reader = MessageReader(payload)
    target = try reader.integer()
    pid = try reader.integer()
    waitStatus = try reader.integer()
    try reader.finish()
  }
}
