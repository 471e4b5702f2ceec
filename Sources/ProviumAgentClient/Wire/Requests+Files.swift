internal import CProviumWire

extension Request {
  /// What a piece of a file is and where it goes.
  struct FilePiece {
    var path: ByteString
    var offset: UInt64
    var isFirst: Bool
    var isLast: Bool
    /// nil: what the agent's umask makes of 0666.
    var mode: UInt32?
  }

  /// The piece's data follow the head.
  static func write(_ piece: FilePiece, count: Int) throws -> EncodedMessage {
    let writer = MessageWriter(.writePiece, capacity: 32 + piece.path.count)
    var flags: UInt32 = 0
    if piece.isFirst { flags |= PV_WRITE_CREATE.rawValue }
    if piece.isFirst && piece.mode != nil { flags |= PV_WRITE_MODE.rawValue }
    if piece.isLast { flags |= PV_WRITE_LAST.rawValue }
    writer.integer(flags)
    writer.integer(piece.mode ?? 0)
    writer.integer(piece.offset)
    writer.counted(piece.path)
    return try writer.finish(tail: count)
  }

  static func mount(_ mount: MountRequest) throws -> EncodedMessage {
    let writer = MessageWriter(.mount)
    writer.integer(mount.flags)
    writer.counted(try mount.source.checked("source"))
    writer.counted(try mount.target.checked("target"))
    writer.counted(try mount.type.checked("type"))
    writer.counted(try mount.data.checked("data"))
    return try writer.finish()
  }
}
