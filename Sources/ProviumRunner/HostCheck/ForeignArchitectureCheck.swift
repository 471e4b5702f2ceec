import ProviumAgentImage
import ProviumArchitecture
import ProviumBoot
import ProviumRuntime
import ProviumVM

/// Checks what guests of another architecture than the host's need. A problem only affects the profiles that name it.
enum ForeignArchitectureCheck {
  static func finding(_ architecture: Architecture, _ configuration: Configuration) -> HostFinding {
    let cache = configuration.settings.cache
    let profiles = configuration.profiles.values.filter { $0.architecture == architecture }
    let names = profiles.map(\.name).sorted().joined(separator: ", ")
    do {
      let qemu = try QEMUBinary.find(architecture: architecture, cache: cache)
      try qemu.checkEmulation()
      _ = try AgentImage.programs(for: architecture.name)
      if profiles.contains(where: \.isBuiltIn) {
        _ = try DistributionKernel.prepare(cache: cache, architecture: architecture)
      }
      return HostFinding(
        .limited,
        architecture.name,
        "QEMU \(qemu.version) (\(qemu.path)), for the profile \(names)",
        remedy: "its guests are emulated: their code runs 10 to 20 times slower; "
          + "time limits are multiplied by \(Int(TimeoutMultiplier.standard(for: .tcg))) (--timeout-multiplier)"
      )
    } catch {
      return HostFinding(.limited, architecture.name, "the profile \(names) cannot boot: \(error)")
    }
  }
}
