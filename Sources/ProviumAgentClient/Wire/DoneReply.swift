/// DONE: `value i64`.
struct DoneReply {
  let value: Int64

  init(_ payload: UnsafeRawBufferPointer) throws {
    var reader = MessageReader(payload)
    value = try reader.integer()
    try reader.finish()
  }
}
