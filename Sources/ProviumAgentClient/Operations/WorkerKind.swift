/// The kind of a worker in the guest.
public enum WorkerKind: Sendable, Hashable, CaseIterable {
  /// A process, forked from the agent. Its memory and its descriptors are copies.
  case process
  /// A thread of the agent. It shares the agent's memory and descriptors, and has credentials of its own.
  case thread
}
