package import ProviumRuntime
import ProviumSystem
import ProviumVM

/// Checks whether the host can run tests: `provium doctor`.
package struct HostCheck {
  package let findings: [HostFinding]

  /// No check found that tests cannot run.
  package var canRun: Bool { !findings.contains { $0.grade == .bad } }

  /// Runs all checks. Blocks: it may boot a small guest to prove KVM or to measure emulation.
  package init(_ configuration: Configuration) {
    let cache = configuration.settings.cache
    let accelerator = AcceleratorProbe.verdict(cache: cache)
    findings =
      [
        ConfigurationCheck.finding(configuration),
        QEMUCheck.finding(cache: cache, isEmulating: accelerator.accelerator == .tcg),
        AcceleratorCheck.finding(accelerator),
        ChannelCheck.finding(ChannelVerdict.choose()),
        AgentCheck.finding(),
        KernelCheck.finding(cache: cache),
      ] + [HostNetworkCheck.finding(cache: cache)].compactMap { $0 }
      + configuration.foreignArchitectures.map { ForeignArchitectureCheck.finding($0, configuration) } + [
        ToolCheck.finding()
      ]
  }
}
