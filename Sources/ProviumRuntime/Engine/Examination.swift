import ProviumAgentImage
import ProviumImage
import ProviumMachine
import ProviumSystem

/// What this machine can do: `provium doctor`.
package struct Examination {
  /// One thing that was looked at.
  package struct Finding: Sendable {
    package enum Grade: Sendable { case good, limited, bad }
    package let grade: Grade
    package let subject: String
    package let text: String
    /// The command, or the words, that mend it.
    package var remedy: String?

    package var mark: String {
      switch grade {
      case .good: "✓"
      case .limited: "!"
      case .bad: "✗"
      }
    }
  }

  package private(set) var findings: [Finding] = []
  /// Nothing that is bad.
  package var canRun: Bool { !findings.contains { $0.grade == .bad } }

  package init(configuration: Configuration) {
    let cache = configuration.settings.cache
    look(at: "configuration", configuration.path ?? "no provium.toml; the built-in profile is used")
    qemu(cache)
    accelerator(cache)
    channel()
    agent()
    kernel(cache)
    tools()
  }

  private mutating func look(at subject: String, _ text: String) {
    findings.append(Finding(grade: .good, subject: subject, text: text))
  }

  private mutating func qemu(_ cache: String) {
    do {
      let qemu = try QEMUBinary.find(architecture: HostFacts.machine, cache: cache)
      look(at: "QEMU", "\(qemu.version) (\(qemu.path))")
    } catch {
      findings.append(
        Finding(
          grade: .bad,
          subject: "QEMU",
          text: "\(error)",
          remedy:
            "apt-get install \(GuestPlatform.named(HostFacts.machine)?.qemuPackage ?? "qemu-system-misc")"
        )
      )
    }
  }

  private mutating func accelerator(_ cache: String) {
    let verdict = AcceleratorProbe.verdict(cache: cache)
    if verdict.accelerator == .kvm { return look(at: "accelerator", "kvm (runs guest code)") }
    findings.append(
      Finding(
        grade: .limited,
        subject: "accelerator",
        text: verdict.description,
        remedy: verdict.reason.contains("permission")
          ? "adduser $USER kvm, and log in again"
          : "guests are emulated: their code runs \(verdict.slowdown.map { "\($0) times slower (measured)" } ?? "slower"), and time limits stretch by \(verdict.timeScale)"
      )
    )
  }

  private mutating func channel() {
    let verdict = ChannelVerdict.choose()
    if verdict.kind == .vsock { return look(at: "channel", "vsock") }
    findings.append(
      Finding(
        grade: .good,
        subject: "channel",
        text: "virtio-serial (\(verdict.reason))",
        remedy: "as good; for vsock: modprobe vhost_vsock"
      )
    )
  }

  private mutating func agent() {
    look(
      at: "agent",
      "build \(AgentImage.buildIDHex.prefix(12)) for \(AgentImage.architectures.joined(separator: ", "))"
    )
  }

  private mutating func kernel(_ cache: String) {
    do {
      let found = try DistributionKernel.prepare(cache: cache, architecture: HostFacts.machine)
      look(at: "default kernel", "\(found.origin), in \(cache)")
    } catch {
      findings.append(
        Finding(
          grade: .bad,
          subject: "default kernel",
          text: "\(error)",
          remedy: "name a kernel of your own under [profile.NAME] in provium.toml"
        )
      )
    }
  }

  private mutating func tools() {
    let missing = ["xz", "zstd", "lz4", "gzip"].filter { ToolRun.find($0) == nil }
    if missing.isEmpty { return look(at: "tools", "xz, zstd, lz4, gzip") }
    findings.append(
      Finding(
        grade: .limited,
        subject: "tools",
        text: "\(missing.joined(separator: ", ")) missing: some kernels and modules cannot be unpacked",
        remedy: "apt-get install xz-utils zstd lz4 gzip"
      )
    )
  }
}
