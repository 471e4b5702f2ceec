package import ProviumSystem

extension AgentConnection {
  /// Sends bytes and returns the same bytes from the guest: a test of the guest and a measurement of the
  /// channel. Blocks.
  package func echo(_ bytes: [UInt8], until deadline: Deadline) throws -> [UInt8] {
    try perform("echo", [.text(bytes)]) { exchange in
      let message = try Request.bytes(.echo, count: bytes.count)
      let reply = try bytes.withUnsafeBytes { tail in
        try exchange.ask(message, tail: tail, .data, what: "echo", until: deadline) { [UInt8](copying: $0) }
      }
      return (reply, .bytes(reply.count))
    }
  }
}
