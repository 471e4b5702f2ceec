/// OUTPUT, a piece of a command's output: `stream u8, bytes`.
struct OutputReply {
  let isStandardError: Bool
  /// Valid as long as the payload is.
  let bytes: UnsafeRawBufferPointer

  init(_ payload: UnsafeRawBufferPointer) throws {
    var reader = MessageReader(payload)
    let stream: UInt8 = try reader.integer()
    guard stream == 1 || stream == 2 else { throw MalformedPayload() }
    isStandardError = stream == 2
    bytes = reader.rest
  }
}
