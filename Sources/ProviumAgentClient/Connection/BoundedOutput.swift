/// Output of a guest that is collected up to a limit.
struct BoundedOutput {
  let limit: Int
  let what: String
  private let streams = (ByteQueue(), ByteQueue())

  init(limit: Int, what: String) {
    self.limit = limit
    self.what = what
  }

  func append(_ bytes: UnsafeRawBufferPointer, toError: Bool = false) throws {
    guard streams.0.count + streams.1.count + bytes.count <= limit else {
      throw GuestError.tooLarge("\(what) gives more than the \(limit) bytes that are accepted")
    }
    (toError ? streams.1 : streams.0).append(bytes)
  }

  var stdout: [UInt8] { streams.0.contents }
  var stderr: [UInt8] { streams.1.contents }
}
