import ProviumSystem

/// The end of a process of the agent, as GONE reported it.
struct ProcessEnd: Sendable, Hashable {
  let target: UInt32
  let pid: Int32
  let status: ExitStatus
  /// Ends that are kept of processes that are not followed: a hostile guest can report any number.
  static let kept = 128
}
