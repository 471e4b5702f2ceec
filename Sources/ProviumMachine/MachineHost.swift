package import ProviumImage
import ProviumSystem

/// What this host offers to machines: found out once, used by all.
package final class MachineHost: Sendable {
  package let cache: String
  package let accelerator: AcceleratorVerdict
  package let channel: ChannelVerdict
  package let run: RunDirectory
  package let images: ImageBuilder

  package init(cache: String, accelerator: AcceleratorVerdict, channel: ChannelVerdict, run: RunDirectory) {
    self.cache = cache
    self.accelerator = accelerator
    self.channel = channel
    self.run = run
    images = ImageBuilder(cache: cache)
  }

  package func qemu(for architecture: String) throws -> QEMUBinary {
    try QEMUBinary.find(architecture: architecture, cache: cache)
  }

  /// KVM runs guests of the host's own architecture only.
  package func accelerator(for architecture: String) -> AcceleratorVerdict {
    if architecture == HostFacts.machine { return accelerator }
    return .emulated(reason: "\(architecture) guests are emulated on \(HostFacts.machine)", cache: cache)
  }
}
