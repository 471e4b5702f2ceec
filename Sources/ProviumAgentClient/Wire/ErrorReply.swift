/// ERROR: `errno i32, message`.
struct ErrorReply {
  let errno: Int32
  let message: String

  init(_ payload: UnsafeRawBufferPointer) throws {
    var reader = MessageReader(payload)
    errno = try reader.integer()
    // At most a kilobyte is kept: a hostile guest must not decide how much memory the host uses.
    message = String(decoding: try reader.bytes(min(reader.rest.count, 1024)), as: UTF8.self)
  }
}
