import ProviumSystem

/// The end of a process of the agent, as GONE reported it.
struct ProcessEnd: Sendable, Hashable {
  let target: UInt32
  let pid: Int32
  let status: ExitStatus
  /// The worker was a thread, and ended because its process, the agent, did.
  var endedWithProcess = false
  /// Ends that are kept of processes that are not followed: a hostile guest can report any number.
  static let kept = 128

  /// The end as a predicate, to follow "worker 3": `was killed by SIGSEGV`. For a thread that ended with the
  /// agent it also says so.
  var asPredicate: String {
    guard endedWithProcess else { return status.asPredicate }
    return "\(status.asPredicate), and the agent with it: a thread worker is a thread of the agent's process"
  }
}
