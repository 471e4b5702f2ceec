import ProviumSystem

extension AgentConnection {
  /// Powers the guest off. The agent acknowledges, and then all its connections end.
  func shutDown(until deadline: Deadline) throws {
    try perform("shutdown", []) { exchange in
      let message = try Request.empty(.shutdown)
      _ = try exchange.ask(message, .ready, what: "shutdown", until: deadline) { try ReadyReply($0) }
      return ((), .nothing)
    }
  }
}
