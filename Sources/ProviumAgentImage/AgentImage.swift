/// The guest's two programs, built from `Agent/` together with this package: the wrapper (process 1) and the agent.
package enum AgentImage {
  /// The programs for one architecture: static ELF files.
  package struct Programs: Sendable {
    /// Goes to `/.provium/agent` of the initramfs, mode 0755.
    package let agent: [UInt8]
    /// Goes to `/provium-wrapper`, mode 0755; the kernel is told `rdinit=/provium-wrapper`.
    package let wrapper: [UInt8]
  }

  /// There is no agent for a guest's architecture: its compiler was missing when this package was built, or the agent was
  /// never ported to it.
  package struct Missing: Error, CustomStringConvertible {
    /// As in `uname -m`.
    package let architecture: String

    package var description: String {
      // Debian's name of an architecture is not everywhere the kernel's.
      guard let debianName = ["x86_64": "amd64", "aarch64": "arm64"][architecture] else {
        return "there is no guest agent for \(architecture) yet: Provium boots x86_64 and aarch64 guests"
      }
      let packages =
        architecture == AgentImage.nativeArchitecture
        ? "musl-tools" : "gcc-\(architecture)-linux-gnu libc6-dev-\(debianName)-cross"
      return "no guest agent for \(architecture): install \(packages), and build Provium again"
    }
  }

  /// This machine's architecture when the package was built, as in `uname -m`.
  package static let nativeArchitecture = EmbeddedAgent.native

  /// 16 bytes: a hash of the agent's sources, which READY carries.
  package static let buildID: [UInt8] = Hex.decode(EmbeddedAgent.buildID)

  /// `buildID` as 32 hexadecimal digits.
  package static let buildIDHex = EmbeddedAgent.buildID.description

  /// The agent for this machine's architecture. Decoded at first use, in well under a millisecond when optimized.
  package static let agent: [UInt8] = native?.agent ?? []
  /// The wrapper for this machine's architecture.
  package static let wrapper: [UInt8] = native?.wrapper ?? []

  private static let native = try? decode(nativeArchitecture)

  /// The programs for guests of `architecture` (as in `uname -m`).
  package static func programs(for architecture: String) throws(Missing) -> Programs {
    if architecture == nativeArchitecture, let native { return native }
    return try decode(architecture)
  }

  /// Architectures whose programs are here, the native one first.
  package static var architectures: [String] {
    let all = EmbeddedAgent.programs.map(\.architecture)
    return all.filter { $0 == nativeArchitecture } + all.filter { $0 != nativeArchitecture }
  }

  private static func decode(_ architecture: String) throws(Missing) -> Programs {
    guard let encoded = EmbeddedAgent.programs.first(where: { $0.architecture == architecture }) else {
      throw Missing(architecture: architecture)
    }
    return Programs(agent: Base64.decode(encoded.agent), wrapper: Base64.decode(encoded.wrapper))
  }
}
