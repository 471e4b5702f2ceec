import Glibc
package import ProviumSystem

extension GuestSession {
  /// Bytes of one piece of a file that is written; two are under way at a time.
  private static let pieceSize = 512 << 10
  private static let piecesUnderWay = 2

  /// Creates or truncates a file. Any size.
  /// - Parameter mode: set exactly, whatever the umask; nil: 0666 less the agent's umask.
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

  /// Copies an open file of the host, from its present offset to its end.
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

  /// `next` gives the piece at an offset, and whether it is the last. Its bytes are sent before it is called again.
  private func write(
    _ path: ByteString,
    _ mode: UInt32?,
    size: Int?,
    until deadline: Deadline,
    _ next: (UInt64) throws -> (UnsafeRawBufferPointer, isLast: Bool)
  ) throws {
    let arguments: [OperationRecord.Argument] = [.text(path)] + (size.map { [.output(count: $0)] } ?? [])
    try perform("write_file", arguments) { connection in
      let what = "write_file(\"\(path)\")"
      _ = try Self.checkedPath(path)
      var piece = Request.FilePiece(path: path, offset: 0, isFirst: true, isLast: false, mode: mode)
      var underWay = 0
      while underWay > 0 || !piece.isLast {
        if !piece.isLast, underWay < Self.piecesUnderWay {
          let bytes: UnsafeRawBufferPointer
          do {
            (bytes, piece.isLast) = try next(piece.offset)
          } catch {
            for _ in 0..<underWay { try? Self.takeDone(connection, what, until: deadline) }
            throw error
          }
          let message = try Request.write(piece, count: bytes.count)
          try connection.send(message, tail: bytes, what: what, until: deadline)
          underWay += 1
          piece.offset += UInt64(bytes.count)
          piece.isFirst = false
        } else {
          underWay -= 1
          do {
            try Self.takeDone(connection, what, until: deadline)
          } catch GuestError.refused(let errno, let message) {
            // The pieces behind it fail for its sake; their errors say nothing new.
            for _ in 0..<underWay { try? Self.takeDone(connection, what, until: deadline) }
            throw GuestError.refused(errno, message: message)
          }
        }
      }
      return ((), .integer(Int64(clamping: piece.offset)))
    }
  }

  /// The reply to the oldest piece that is under way.
  private static func takeDone(_ connection: GuestConnection, _ what: String, until deadline: Deadline) throws
  {
    try connection.receive(what: what, until: deadline) { code, payload in
      guard code == .done else { throw GuestConnection.UnexpectedReply() }
      _ = try DoneReply(payload)
      return .done
    }
  }

  /// The whole contents, also of files whose size reads 0.
  /// - Parameter limit: bytes; more is an error.
  package func readFile(_ path: ByteString, limit: Int = 1 << 30, until deadline: Deadline) throws -> [UInt8]
  {
    let output = BoundedOutput(limit: limit, what: "read_file(\"\(path)\")")
    try readFile(path, until: deadline) { try output.append($0) }
    return output.stdout
  }

  /// Gives the contents to `sink` piece by piece; a piece is valid during the call. When `sink` throws, the transfer
  /// is ended.
  package func readFile(
    _ path: ByteString,
    until deadline: Deadline,
    _ sink: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    try perform("read_file", [.text(path)]) { connection in
      var count = 0
      let message = try Request.text(.readStream, try Self.checkedPath(path))
      try connection.stream(message, what: "read_file(\"\(path)\")", until: deadline) { piece in
        count += piece.count
        try sink(piece)
      }
      return ((), .bytes(count))
    }
  }

  /// As `lstat(2)`.
  package func stat(_ path: ByteString, until deadline: Deadline) throws -> FileFacts {
    try perform("stat", [.text(path)]) { connection in
      let message = try Request.text(.stat, try Self.checkedPath(path))
      let what = "stat(\"\(path)\")"
      let facts = try connection.ask(message, .statResult, what: what, until: deadline) { try FileFacts($0) }
      return (facts, .word("mode 0\(String(facts.mode, radix: 8)), \(facts.size) bytes"))
    }
  }

  /// Entries of a directory, without `.` and `..`, in the guest's order.
  package func list(_ path: ByteString, limit: Int = 1 << 20, until deadline: Deadline) throws
    -> [DirectoryEntry]
  {
    try perform("list", [.text(path)]) { connection in
      var entries: [DirectoryEntry] = []
      let what = "list(\"\(path)\")"
      let message = try Request.text(.list, try Self.checkedPath(path))
      try connection.stream(message, what: what, until: deadline) { piece in
        entries += try DirectoryEntry.entries(piece)
        if entries.count > limit { throw GuestError.tooLarge("\(what) gives more than \(limit) entries") }
      }
      return (entries, .word("\(entries.count) entries"))
    }
  }

  private static func checkedPath(_ path: ByteString) throws -> ByteString {
    if path.isEmpty { throw InvalidArgument("path", "is empty") }
    return try path.checked("path")
  }
}
