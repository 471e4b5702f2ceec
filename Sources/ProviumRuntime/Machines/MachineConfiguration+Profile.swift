import ProviumBoot
import ProviumVM

extension MachineConfiguration {
  /// Returns the same configuration with the settings of a profile where its own are unset. Its words for the kernel command
  /// line come after those of the profile.
  func applying(_ profile: Profile) -> MachineConfiguration {
    var configuration = self
    configuration.profile = profile.name
    configuration.boot.architecture = boot.architecture ?? profile.architecture
    configuration.boot.kernel = boot.kernel ?? profile.kernel
    configuration.boot.wantsUserland = boot.wantsUserland || boot.kernel == nil && profile.wantsUserland
    configuration.boot.initrd = boot.initrd ?? profile.initrd
    configuration.boot.rootfs = boot.rootfs ?? profile.rootfs
    configuration.boot.initProgram = boot.initProgram ?? profile.initProgram
    configuration.boot.modules = boot.modules ?? profile.modules
    configuration.boot.append = [profile.append ?? "", boot.append].filter { !$0.isEmpty }
      .joined(separator: " ")
    if rootShare == nil {
      if let root = profile.root { configuration.root = root }
      if let packages = profile.packages { configuration.packages = packages }
    }
    let own = Set(shares.map(\.path))
    configuration.shares += profile.shares.filter { !own.contains($0.path) }
    return configuration
  }

  /// The host files whose contents the guest can read, with digests of their present contents: inputs of a fixture.
  func hostInputs(digests: DigestCache) throws -> [BootImage.Input] {
    try hostInputs().map { input in
      BootImage.Input(name: input.role, path: input.path, digest: try digests.digest(input.path))
    }
  }
}
