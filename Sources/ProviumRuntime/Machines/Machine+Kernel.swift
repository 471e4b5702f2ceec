import ProviumAgentClient
package import ProviumBoot
import ProviumVM

extension Machine {
  /// The release of the VM's kernel: by the kernel's file, otherwise by the guest.
  /// - Throws: `ProviumError`.
  package func kernelRelease() throws -> KernelRelease {
    let machine = try usable()
    if let known = (machine.image.release ?? hostFacts(of: machine).release?.description).flatMap(
      KernelRelease.init
    ) {
      return known
    }
    let text = try perform("read the release of its kernel", allowance: .zero) {
      try $0.readFile("/proc/sys/kernel/osrelease", until: $1)
    }
    guard let release = KernelRelease(String(decoding: text, as: UTF8.self).trimmed) else {
      throw ProviumError(.refused, "the release of its kernel is no version: /proc/sys/kernel/osrelease")
    }
    return release
  }

  /// The configuration of the VM's kernel: from the host, otherwise from the guest's /proc/config.gz.
  /// - Throws: `ProviumError` if it is in neither place.
  package func kernelConfiguration() throws -> KernelConfiguration {
    let machine = try usable()
    if let known = hostFacts(of: machine).configuration { return known }
    do {
      let packed = try perform("read the configuration of its kernel", allowance: .zero) {
        try $0.readFile("/proc/config.gz", until: $1)
      }
      return try KernelConfiguration(packed: packed)
    } catch let error as ProviumError where error.code == .refused {
      throw ProviumError(
        .refused,
        "the configuration of its kernel is unknown: there is no config file beside the kernel or its modules, and "
          + "/proc/config.gz cannot be read (CONFIG_IKCONFIG_PROC): \(error.message)",
        cause: error
      )
    }
  }

  /// The folder of the modules of the VM's kernel on this host; nil: it has none.
  package func moduleFolder() throws -> String? { hostFacts(of: try usable()).modules }

  /// The VM's processors; nil while the handle has no VM.
  package var cpus: Int? { virtualMachine?.configuration.cpus }

  private func hostFacts(of machine: VirtualMachine) -> KernelFacts {
    (try? context.services.host.images.facts(of: machine.configuration.boot)) ?? KernelFacts()
  }
}
