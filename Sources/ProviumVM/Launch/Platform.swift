package import ProviumArchitecture

/// How this host runs the VMs of one architecture.
package struct Platform: Sendable, Hashable {
  package var architecture: Architecture
  package var accelerator: Accelerator
  package var channel: ChannelKind

  package init(architecture: Architecture, accelerator: Accelerator, channel: ChannelKind) {
    self.architecture = architecture
    self.accelerator = accelerator
    self.channel = channel
  }
}
