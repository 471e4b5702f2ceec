import ProviumAgentImage
import ProviumBoot
import ProviumVM
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

  /// Of nothing yet.
  init() {}

  /// Nothing that is bad.
  package var canRun: Bool { !findings.contains { $0.grade == .bad } }

  package init(configuration: Configuration) {
    let cache = configuration.settings.cache
    look(at: "configuration", configuration.path ?? "no provium.toml; the built-in profile is used")
    let verdict = AcceleratorProbe.verdict(cache: cache)
    qemu(cache, isEmulating: verdict.accelerator == .tcg)
    accelerator(verdict)
    channel(ChannelVerdict.choose())
    agent()
    kernel(cache)
    for architecture in configuration.foreignArchitectures { foreign(architecture, configuration) }
    tools()
  }

  private mutating func look(at subject: String, _ text: String) {
    findings.append(Finding(grade: .good, subject: subject, text: text))
  }

  private mutating func complain(_ grade: Finding.Grade, _ subject: String, _ text: String, _ remedy: String?)
  {
    findings.append(Finding(grade: grade, subject: subject, text: text, remedy: remedy))
  }

  private static func installation(of architecture: String) -> String {
    "apt-get install \(GuestPlatform.named(architecture)?.qemuPackage ?? "qemu-system-misc")"
  }

  // MARK: The host's own guests

  private mutating func qemu(_ cache: String, isEmulating: Bool) {
    do {
      let qemu = try QEMUBinary.find(architecture: HostFacts.machine, cache: cache)
      if isEmulating { _ = try EmulationProbe.slowdown(qemu, cache: cache) }
      look(at: "QEMU", "\(qemu.version) (\(qemu.path))")
    } catch let error as EmulationProbe.Failure {
      complain(
        .bad,
        "QEMU",
        "\(error)",
        "\(Self.installation(of: HostFacts.machine)), with all that it recommends"
      )
    } catch {
      complain(.bad, "QEMU", "\(error)", Self.installation(of: HostFacts.machine))
    }
  }

  mutating func accelerator(_ verdict: AcceleratorVerdict) {
    if verdict.accelerator == .kvm {
      return look(at: "accelerator", verdict.reason.isEmpty ? "kvm (runs guest code)" : verdict.description)
    }
    let cost =
      verdict.slowdown.map { "\($0) times slower (measured)" } ?? "slower (by how much was not measured)"
    complain(
      .limited,
      "accelerator",
      verdict.description,
      verdict.obstacle == .forbidden
        ? "adduser $USER kvm, and log in again"
        : "guests are emulated: their code runs \(cost), and time limits stretch by \(verdict.timeScale)"
    )
  }

  mutating func channel(_ verdict: ChannelVerdict) {
    if verdict.kind == .vsock { return look(at: "channel", "vsock") }
    let remedy: String? =
      switch verdict.obstacle {
      case .absent: "modprobe vhost_vsock"
      case .forbidden:
        "adduser $USER kvm, log in again, and see that \(GuestCID.device) belongs to that group"
      case .broken, nil: nil
      }
    complain(
      .good,
      "channel",
      "virtio-serial (\(verdict.reason))",
      remedy.map { "as good; for vsock: \($0)" } ?? "as good"
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
      complain(
        .bad,
        "default kernel",
        "\(error)",
        "name a kernel of your own under [profile.NAME] in provium.toml"
      )
    }
  }

  // MARK: Guests of other architectures, that profiles name

  /// What is missing for them keeps only their profiles from booting.
  private mutating func foreign(_ architecture: String, _ configuration: Configuration) {
    let cache = configuration.settings.cache
    let profiles = configuration.profiles.values.filter { $0.architecture == architecture }
    let names = profiles.map(\.name).sorted().joined(separator: ", ")
    do {
      let qemu = try QEMUBinary.find(architecture: architecture, cache: cache)
      let slowdown = try EmulationProbe.slowdown(qemu, cache: cache)
      _ = try AgentImage.programs(for: architecture)
      if profiles.contains(where: \.isBuiltIn) {
        _ = try DistributionKernel.prepare(cache: cache, architecture: architecture)
      }
      let scale = AcceleratorVerdict(.tcg, slowdown: slowdown).timeScale
      complain(
        .limited,
        architecture,
        "QEMU \(qemu.version) (\(qemu.path)), for the profile \(names)",
        "its guests are emulated: their code runs \(slowdown) times slower (measured), and time limits stretch by \(scale)"
      )
    } catch {
      complain(.limited, architecture, "the profile \(names) cannot boot: \(error)", nil)
    }
  }

  // MARK: Tools

  private mutating func tools() {
    let missing = ["xz", "zstd", "lz4", "gzip"].filter { ToolRun.find($0) == nil }
    if missing.isEmpty { return look(at: "tools", "xz, zstd, lz4, gzip") }
    complain(
      .limited,
      "tools",
      "\(missing.joined(separator: ", ")) missing: some kernels and modules cannot be unpacked",
      "apt-get install xz-utils zstd lz4 gzip"
    )
  }
}
