package import ProviumArchitecture
package import ProviumBoot
import ProviumSystem
import ProviumVM

extension MachineSet {
  /// The VM that conditions of sub-tests are compared with: the running one that was used last; nil: there is none.
  package var conditionSubject: Machine? {
    all.filter { $0.state == .booted }.max { $0.lastUse < $1.lastUse }
  }
}

/// The facts that conditions of sub-tests are compared with.
package struct ConditionFacts {
  /// For messages: `vm1 (default)`, `the profile default`.
  package let subject: String
  package let architecture: Architecture
  /// The VM's processors, or those of the host.
  package let cpus: Int
  private let machine: Machine?
  private let facts: KernelFacts

  /// The facts of the running VM that was used last, or, without one, of what its profile `default` boots.
  package init(_ machines: MachineSet) throws {
    machine = machines.conditionSubject
    if let machine {
      subject = machine.label
      architecture = machine.architecture
      cpus = machine.cpus ?? HostFacts.processors
      facts = KernelFacts()
    } else {
      let profile = try machines.context.services.configuration.profile(Profile.builtIn.name)
      subject = "the profile \(profile.name)"
      architecture = try profile.architecture ?? .host
      cpus = HostFacts.processors
      facts = try machines.context.services.host.images.facts(
        of: MachineConfiguration().applying(profile).boot
      )
    }
  }

  /// - Throws: `ProviumError` if it is unknown.
  package func release() throws -> KernelRelease {
    if let machine { return try machine.kernelRelease() }
    guard let release = facts.release else {
      throw ProviumError(.configuration, "the release of the kernel of \(subject) is unknown before it boots")
    }
    return release
  }

  /// - Throws: `ProviumError` if it is unknown.
  package func configuration() throws -> KernelConfiguration {
    if let machine { return try machine.kernelConfiguration() }
    guard let configuration = facts.configuration else {
      throw ProviumError(
        .configuration,
        "the configuration of the kernel of \(subject) is unknown before it boots: boot a VM first"
      )
    }
    return configuration
  }
}
