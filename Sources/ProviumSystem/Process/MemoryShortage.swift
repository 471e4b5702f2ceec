/// The lack of memory for which the host's kernel has killed a process.
package enum MemoryShortage: Sendable, Hashable, CustomStringConvertible {
  /// A control group has reached its limit, in bytes, or the host has: the kernel counted a kill in this process's group.
  case group(limit: UInt64?)
  /// The kernel counted a kill on the host; where no group counts them, the process may be another one.
  case host

  package var description: String {
    let advice = "give its guest less memory, run fewer machines at once (--mem), or allow more"
    switch self {
    case .group(let limit?):
      return "the host's kernel ended it for lack of memory; the control group of this process allows "
        + "\(Quantity.text(bytes: limit)): \(advice)"
    case .group(nil): return "the host's kernel ended it for lack of memory: \(advice)"
    case .host:
      return
        "SIGKILL, while the host's kernel ended processes for lack of memory: it was most likely one of them; \(advice)"
    }
  }

  /// The kernel's counts at one moment, to find out later whether a child that was killed fell victim to the kernel.
  package struct Watch: Sendable {
    private let root: String
    private let ofGroup: UInt64?
    private let ofHost: UInt64?

    /// - Parameter root: the folder that has `proc` and the mount points of control groups; tests pass their own.
    package init(root: String = "") {
      self.root = root
      ofGroup = ControlGroup(root: root).outOfMemoryKills
      ofHost = ControlGroup.outOfMemoryKillsOfHost(root: root)
    }

    /// The reason why a child was killed by SIGKILL since then; nil if the kernel killed no process for lack of memory.
    package var shortage: MemoryShortage? {
      let group = ControlGroup(root: root)
      if let before = ofGroup, let now = group.outOfMemoryKills {
        return now > before ? .group(limit: group.memoryLimits?.total) : nil
      }
      guard let before = ofHost, let now = ControlGroup.outOfMemoryKillsOfHost(root: root) else { return nil }
      return now > before ? .host : nil
    }
  }
}
