internal import CProviumWire
import Glibc
package import ProviumSystem

extension AgentConnection {
  /// Bytes in one piece of a file that is written. Two pieces are sent before the first reply is received.
  private static let pieceSize = 512 << 10
  private static let outstandingPieces = 2

  /// Creates or truncates a file of any size. Blocks.
  /// - Parameter mode: permissions, set without regard to the umask; nil: 0666 without the bits of the
  ///   agent's umask.
  package func writeFile(
    _ path: ByteString,
    _ bytes: UnsafeRawBufferPointer,
    mode: UInt32? = nil,
    until deadline: Deadline
  ) throws {
    var rest = bytes
    try write(path, mode, size: bytes.count, until: deadline) { _ in
      let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(Self.pieceSize))
      rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(piece.count))
      return (piece, rest.isEmpty)
    }
  }

  package func writeFile(_ path: ByteString, _ bytes: [UInt8], mode: UInt32? = nil, until deadline: Deadline)
    throws
  {
    try bytes.withUnsafeBytes { try writeFile(path, $0, mode: mode, until: deadline) }
  }

  /// Creates or truncates a file, with the contents of an open file of the host from its current offset to
  /// its end. Blocks.
  package func writeFile(
    _ path: ByteString,
    from descriptor: Int32,
    mode: UInt32? = nil,
    until deadline: Deadline
  ) throws {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.pieceSize, alignment: 16)
    defer { memory.deallocate() }
    try write(path, mode, size: nil, until: deadline) { _ in
      let count = try Self.readFully(descriptor, memory)
      return (UnsafeRawBufferPointer(rebasing: memory[..<count]), count < memory.count)
    }
  }

  private static func readFully(_ descriptor: Int32, _ memory: UnsafeMutableRawBufferPointer) throws -> Int {
    var count = 0
    while count < memory.count {
      let got = read(descriptor, memory.baseAddress.map { $0 + count }, memory.count - count)
      if got == 0 { break }
      if got < 0 {
        if errno == EINTR { continue }
        throw SystemError("read", "the file to be copied into the guest")
      }
      count += got
    }
    return count
  }

  /// - Parameter next: returns the piece at an offset, and whether it is the last. Its bytes are sent before
  ///   the next call.
  private func write(
    _ path: ByteString,
    _ mode: UInt32?,
    size: Int?,
    until deadline: Deadline,
    _ next: (UInt64) throws -> (UnsafeRawBufferPointer, isLast: Bool)
  ) throws {
    let arguments: [OperationRecord.Argument] = [.text(path)] + (size.map { [.output(count: $0)] } ?? [])
    try perform("write_file", arguments) { exchange in
      let what = "write_file(\"\(path)\")"
      _ = try path.checkedPath()
      var piece = Request.FilePiece(path: path, offset: 0, isFirst: true, isLast: false, mode: mode)
      var outstanding = 0
      while outstanding > 0 || !piece.isLast {
        if !piece.isLast, outstanding < Self.outstandingPieces {
          let bytes: UnsafeRawBufferPointer
          do {
            (bytes, piece.isLast) = try next(piece.offset)
          } catch {
            for _ in 0..<outstanding { try? Self.takeDone(exchange, what, until: deadline) }
            throw error
          }
          let message = try Request.write(piece, count: bytes.count)
          try exchange.send(message, tail: bytes, what: what, until: deadline)
          outstanding += 1
          piece.offset += UInt64(bytes.count)
          piece.isFirst = false
        } else {
          outstanding -= 1
          do {
            try Self.takeDone(exchange, what, until: deadline)
          } catch GuestError.refused(let errno, let message) {
            // The later pieces fail for the same reason; their errors say nothing new.
            for _ in 0..<outstanding { try? Self.takeDone(exchange, what, until: deadline) }
            throw GuestError.refused(errno, message: message)
          }
        }
      }
      return ((), .integer(Int64(clamping: piece.offset)))
    }
  }

  /// Receives the reply to the oldest outstanding piece.
  private static func takeDone(_ exchange: MessageExchange, _ what: String, until deadline: Deadline) throws {
    try exchange.receive(what: what, until: deadline) { code, payload in
      guard code == .done else { throw MessageExchange.UnexpectedReply() }
      _ = try DoneReply(payload)
      return .done
    }
  }
}

extension Request {
  /// The position of a piece in a file, and the file.
  struct FilePiece {
    var path: ByteString
    var offset: UInt64
    var isFirst: Bool
    var isLast: Bool
    /// nil: 0666 without the bits of the agent's umask.
    var mode: UInt32?
  }

  /// Encodes WRITE_PIECE. The data of the piece are the tail.
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
}

extension ByteString {
  /// Returns the path itself. Throws when it is empty or contains a NUL.
  func checkedPath() throws -> ByteString {
    if isEmpty { throw InvalidArgument(.path, "is empty") }
    return try checked(.path)
  }
}
