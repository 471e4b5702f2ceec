package import ProviumSystem

/// The open jobs, workers and descriptors of an agent; decoded from STATE_RESULT.
package struct GuestState: Hashable, Sendable {
  package struct Job: Hashable, Sendable {
    package let id: UInt32
    package let pid: Int32
    package let isRunning: Bool
  }
  package struct Worker: Hashable, Sendable {
    package let number: UInt32
    package let pid: Int32
    package let kind: WorkerKind
  }
  /// The number of other processes of the agent that are carrying out a request.
  package let busy: UInt32
  package let jobs: [Job]
  package let workers: [Worker]
  package let descriptors: [Int32]

  init(_ payload: UnsafeRawBufferPointer) throws {
    var reader = MessageReader(payload)
    busy = try reader.integer()
    jobs = try reader.list(entrySize: 9) { reader in
      Job(id: try reader.integer(), pid: try reader.integer(), isRunning: try reader.integer(UInt8.self) != 0)
    }
    workers = try reader.list(entrySize: 9) { reader in
      let (number, pid): (UInt32, Int32) = (try reader.integer(), try reader.integer())
      guard let kind = WorkerKind(wireValue: try reader.integer()) else { throw MalformedPayload() }
      return Worker(number: number, pid: pid, kind: kind)
    }
    descriptors = try reader.list(entrySize: 4) { try $0.integer() }
    try reader.finish()
  }
}

extension AgentConnection {
  /// Returns the open jobs, workers and descriptors of the agent.
  package func state(until deadline: Deadline) throws -> GuestState {
    try perform("state", []) { exchange in
      let state = try exchange.ask(try Request.empty(.state), .stateResult, what: "state", until: deadline) {
        try GuestState($0)
      }
      return (state, .nothing)
    }
  }
}
