package import ProviumBoot
import ProviumSystem
import Synchronization

/// What this host offers to machines: found out once, used by all.
package final class MachineHost: Sendable {
  package let cache: String
  package let accelerator: AcceleratorVerdict
  package let channel: ChannelVerdict
  package let run: RunDirectory
  package let images: ImageBuilder
  /// Of other architectures than the host's own.
  private let foreign = Mutex<[String: AcceleratorVerdict]>([:])

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

  /// KVM runs guests of the host's own architecture only. What others cost is measured when it is first asked for.
  package func accelerator(for architecture: String) -> AcceleratorVerdict {
    if architecture == HostFacts.machine { return accelerator }
    return foreign.withLock { known in
      if let verdict = known[architecture] { return verdict }
      let verdict = AcceleratorVerdict.emulated(
        architecture,
        reason: "\(architecture) guests are emulated",
        cache: cache
      )
      known[architecture] = verdict
      return verdict
    }
  }
}
