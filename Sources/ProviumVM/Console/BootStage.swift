/// The progress of a boot.
package enum BootStage: Int, Sendable, Comparable, CaseIterable {
  /// QEMU runs; the guest has printed nothing.
  case qemu
  case kernel
  /// Process 1 is Provium's wrapper, which loads drivers.
  case modules
  case root
  case agent
  case initProgram
  /// The agent has answered.
  case ready

  package static func < (left: BootStage, right: BootStage) -> Bool { left.rawValue < right.rawValue }

  /// Parses the line of the wrapper: `provium: stage modules`.
  init?(consoleLine line: String) {
    guard let range = line.firstRange(of: "provium: stage ") else { return nil }
    switch line[range.upperBound...].prefix(while: { $0.isLetter }) {
    case "modules": self = .modules
    case "root": self = .root
    case "agent": self = .agent
    case "init", "no": self = .initProgram
    default: return nil
    }
  }

  package var description: String {
    switch self {
    case .qemu: "QEMU started, the kernel has printed nothing"
    case .kernel: "the kernel started, but did not reach Provium's wrapper"
    case .modules: "the wrapper was loading drivers"
    case .root: "the wrapper was mounting the root disk"
    case .agent: "the agent was started, but did not answer"
    case .initProgram: "the guest's init was started, but the agent did not answer"
    case .ready: "the agent answered"
    }
  }

  /// One word, for the terminal.
  package var word: String {
    switch self {
    case .qemu: "QEMU"
    case .kernel: "kernel"
    case .modules: "drivers"
    case .root: "root disk"
    case .agent: "agent"
    case .initProgram: "init"
    case .ready: "ready"
    }
  }
}
