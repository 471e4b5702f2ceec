package import ProviumArchitecture
package import ProviumBoot
package import ProviumSystem

/// The facilities of this host for VMs, determined once for a run.
package final class MachineHost: Sendable {
  package let cache: String
  package let accelerator: AcceleratorVerdict
  package let channel: ChannelVerdict
  package let run: RunDirectory
  package let images: ImageBuilder
  /// VMs are kept after a failure: QEMU must not end with its guest.
  package let keepsFailures: Bool
  /// The processes that start QEMU.
  package let forkServers: ForkServers
  /// The user's factor for time limits; nil: each accelerator's own.
  private let userMultiplier: Double?

  package init(
    cache: String,
    accelerator: AcceleratorVerdict,
    channel: ChannelVerdict,
    run: RunDirectory,
    timeoutMultiplier: Double? = nil,
    keepsFailures: Bool = false,
    forksQEMU: Bool = true
  ) {
    forkServers = ForkServers(isEnabled: forksQEMU)
    self.keepsFailures = keepsFailures
    self.cache = cache
    self.accelerator = accelerator
    self.channel = channel
    self.run = run
    userMultiplier = timeoutMultiplier
    images = ImageBuilder(cache: cache)
  }

  /// Finds QEMU for guests of an architecture.
  /// - Throws: `QEMUBinary.Failure`.
  package func qemu(for architecture: Architecture) throws -> QEMUBinary {
    try QEMUBinary.find(architecture: architecture, cache: cache)
  }

  /// Returns the platform of VMs of an architecture.
  package func platform(for architecture: Architecture) -> Platform {
    Platform(
      architecture: architecture,
      accelerator: accelerator(for: architecture).accelerator,
      channel: channel.kind
    )
  }

  /// The accelerator for guests of an architecture: KVM runs those of the host's own only.
  package func accelerator(for architecture: Architecture) -> AcceleratorVerdict {
    architecture.name == HostFacts.machine
      ? accelerator : AcceleratorVerdict(.tcg, reason: "\(architecture) guests are emulated")
  }

  /// The factor by which time limits of guests of an architecture grow.
  package func timeoutMultiplier(for architecture: Architecture) -> Double {
    userMultiplier ?? TimeoutMultiplier.standard(for: accelerator(for: architecture).accelerator)
  }
}
