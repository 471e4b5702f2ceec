package import ProviumSystem

extension AgentConnection {
  /// Reads the whole contents of a file, also of one whose size reads 0. Blocks.
  /// - Parameter limit: bytes. A longer file is an error.
  package func readFile(_ path: ByteString, limit: Int = 1 << 30, until deadline: Deadline) throws -> [UInt8]
  {
    let output = BoundedOutput(limit: limit, what: "read_file(\"\(path)\")")
    try readFile(path, until: deadline) { try output.append($0) }
    return output.stdout
  }

  /// Reads a file and passes its contents to `sink`, piece by piece. Blocks. A piece is valid during the
  /// call. When `sink` throws, the transfer is ended.
  package func readFile(
    _ path: ByteString,
    until deadline: Deadline,
    _ sink: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    try perform("read_file", [.text(path)]) { exchange in
      var count = 0
      let message = try Request.text(.readStream, try path.checkedPath())
      try exchange.stream(message, what: "read_file(\"\(path)\")", until: deadline) { piece in
        count += piece.count
        try sink(piece)
      }
      return ((), .bytes(count))
    }
  }
}
