/// The kind of a worker in the guest.
public enum WorkerKind: Sendable, Hashable, CaseIterable {
  /// A process with copies of the agent's memory and descriptors, as of `fork(2)`.
  case process
  /// A thread of the agent's process. `exit_group(2)` and a fatal signal end the agent with it.
  case thread
  /// A process of its own that shares memory and descriptors with the agent.
  case shared

  /// The word in the trace of operations.
  var word: String {
    switch self {
    case .process: "fork"
    case .thread: "thread"
    case .shared: "shared"
    }
  }
}
