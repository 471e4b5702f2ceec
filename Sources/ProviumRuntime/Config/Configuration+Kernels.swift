import ProviumArchitecture
import ProviumBoot
import ProviumSystem

extension Configuration {
  /// The kernels of a run of tests: those that the command line names, else that of `PROVIUM_KERNEL`, else the matrix of
  /// `provium.toml`. Empty: each profile boots its own.
  /// - Parameter named: In the order of the command line. A relative path starts at the current directory.
  /// - Throws: `ConfigurationError` for a kernel that is named twice.
  package func kernels(named: [String]) throws -> [MatrixKernel] {
    let names = named.isEmpty ? Environment["PROVIUM_KERNEL"].map { [$0] } ?? [] : named
    guard !names.isEmpty else { return matrix }
    let kernels = names.map { MatrixKernel($0, against: Files.currentDirectory) }
    for (number, kernel) in kernels.enumerated()
    where kernels[..<number].contains(where: { $0.name == kernel.name || $0.label == kernel.label }) {
      throw ConfigurationError.sameKernel(kernel.label, option: "--kernel")
    }
    return kernels
  }

  /// Finds a kernel, and fetches it if the cache lacks it, so that a wrong name is one error before any test runs. The guest's
  /// architecture is that of the profile `default`.
  /// - Parameter progress: Told what takes time.
  /// - Throws: `ImageError`.
  package func prepare(_ kernel: MatrixKernel, progress: (String) -> Void) throws {
    let architecture = try profiles[Profile.builtIn.name]?.architecture ?? .host
    let found = try KernelLibrary(cache: settings.cache, architecture: architecture).find(
      kernel.name,
      progress: progress
    )
    try KernelImage(found.kernel).check(for: architecture)
  }

  /// This configuration with `kernel` for the profiles that name none.
  package func booting(_ kernel: MatrixKernel) -> Configuration {
    var configuration = self
    configuration.kernel = kernel.name
    return configuration
  }
}
