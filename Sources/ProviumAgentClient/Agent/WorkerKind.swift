/// How a worker relates to the agent. The raw value is that of the protocol.
package enum WorkerKind: UInt32, CaseIterable, Sendable {
  /// A copy of the agent, as of `fork(2)`.
  case fork = 0
  /// A thread of the agent's process. `exit_group(2)` and a fatal signal end the agent with it.
  case thread = 1
  /// A process of its own that shares memory and descriptors with the agent.
  case shared = 2
}
