package import ProviumSystem

extension AgentConnection {
  /// Returns the kernel's log, in the format of `dmesg(1)`. Blocks.
  /// - Parameter limit: bytes. A longer log is an error.
  package func kernelLog(limit: Int = 64 << 20, until deadline: Deadline) throws -> [UInt8] {
    try perform("dmesg", []) { exchange in
      let output = BoundedOutput(limit: limit, what: "dmesg")
      let message = try Request.empty(.kernelLog)
      try exchange.stream(message, what: "dmesg", until: deadline) { try output.append($0) }
      let log = output.stdout
      return (log, .bytes(log.count))
    }
  }
}
