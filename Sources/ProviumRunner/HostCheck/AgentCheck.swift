import ProviumAgentImage

/// Names the build of the guest's agent, and the architectures that it was built for.
enum AgentCheck {
  static func finding() -> HostFinding {
    HostFinding(
      .good,
      "agent",
      "build \(AgentImage.buildIDHex.prefix(12)) for \(AgentImage.architectures.joined(separator: ", "))"
    )
  }
}
