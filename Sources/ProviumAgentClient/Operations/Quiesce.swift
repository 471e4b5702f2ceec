package import ProviumSystem

extension AgentConnection {
  /// Syncs the file systems and prepares this connection for its end by a snapshot. The next operation on it
  /// cancels that.
  package func quiesce(until deadline: Deadline) throws {
    try perform("quiesce", []) { exchange in
      try done(try Request.empty(.quiesce), "quiesce", exchange, until: deadline)
      return ((), .nothing)
    }
  }
}
