package import ProviumSystem

extension AgentConnection {
  /// Mounts a folder of the host. Its messages go over the share port from now on.
  /// - Parameters:
  ///   - number: of the share, 1 to `WireLimit.shares`.
  ///   - target: an absolute path. Folders that are missing are made.
  package func mountShare(_ number: Int, at target: ByteString, until deadline: Deadline) throws {
    try perform("share", [.text(target)]) { exchange in
      try done(try Request.share(number, target), "share \(target)", exchange, until: deadline)
      return ((), .nothing)
    }
  }
}

extension Request {
  /// Encodes SHARE.
  static func share(_ number: Int, _ target: ByteString) throws -> EncodedMessage {
    let writer = MessageWriter(.share)
    writer.integer(UInt32(clamping: number))
    writer.counted(try target.checked(.mountTarget))
    return try writer.finish()
  }
}
