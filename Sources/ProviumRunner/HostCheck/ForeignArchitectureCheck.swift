import ProviumAgentImage
import ProviumBoot
import ProviumRuntime
import ProviumVM

/// Checks what guests of another architecture than the host's need. A problem only affects the profiles that name it.
enum ForeignArchitectureCheck {
  static func finding(_ architecture: String, _ configuration: Configuration) -> HostFinding {
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
      return HostFinding(
        .limited,
        architecture,
        "QEMU \(qemu.version) (\(qemu.path)), for the profile \(names)",
        remedy: "its guests are emulated: their code runs \(slowdown) times slower (measured); "
          + "time limits are multiplied by \(scale)"
      )
    } catch {
      return HostFinding(.limited, architecture, "the profile \(names) cannot boot: \(error)")
    }
  }
}
