package import ProviumArchitecture
import ProviumSystem

/// The settings of `provium.toml`, or the built-in ones if there is no such file.
package struct Configuration: Sendable, Hashable {
  /// The folder of `provium.toml`; the current directory if there is no such file.
  package var root: String
  /// The path of `provium.toml`; nil if there is none.
  package var path: String?
  package var settings = Settings()
  /// A kernel that takes the place of a distribution's in every profile that names none: `--kernel`. A path is absolute.
  package var kernel: String?
  /// The kernels that `provium test` runs on: the `[matrix]` table.
  package var matrix: [MatrixKernel] = []
  /// The profiles of the file, by name.
  package var profiles: [String: Profile] = [:]
  /// The suites of tests that come with a kernel, by name.
  package var suites: [String: SuiteSettings] = [:]

  /// Tests that are known to fail, in the order of their names.
  package var knownFailures: [KnownFailure] = []

  package init(root: String, path: String? = nil) {
    self.root = root
    self.path = path
  }

  /// The architectures of profiles that are not the host's, sorted.
  package var foreignArchitectures: [Architecture] {
    Set(profiles.values.compactMap(\.architecture)).filter { $0.name != HostFacts.machine }
      .sorted { $0.name < $1.name }
  }

  /// Returns the profile of that name, with the kernel of `--kernel`; `default` always exists.
  package func profile(_ name: String) throws -> Profile {
    var profile = try definition(ofProfile: name)
    guard let kernel else { return profile }
    if let own = profile.kernel {
      throw ConfigurationError.twoKernels(profile: name, kernel: own, option: kernel)
    }
    profile.kernel = kernel
    profile.wantsUserland = true
    return profile
  }

  private func definition(ofProfile name: String) throws -> Profile {
    if let profile = profiles[name] { return profile }
    if name == Profile.builtIn.name { return .builtIn }
    throw ConfigurationError.unknownProfile(
      name: name,
      known: ([Profile.builtIn.name] + profiles.keys.sorted()),
      path: path
    )
  }
}

/// The `[provium]` table.
package struct Settings: Sendable, Hashable {
  package static let defaultBootTimeLimit = Duration.seconds(30)
  /// The factors for time limits that are accepted.
  static let timeoutMultipliers = 0.1...1000
  /// For messages.
  static let acceptedTimeoutMultiplier = "a number from 0.1 to 1000"

  /// The paths that `provium test` and `swift test` take tests from by default, absolute.
  package var tests: [String] = []
  /// Shared folders of fixtures, absolute: searched after the test's own.
  package var fixtureFolders: [String] = []
  /// The folder that keeps kernels, images and fixtures, absolute.
  package var cache: String = Settings.defaultCache
  /// The size of all fixtures in bytes above which the least recently used ones are removed.
  package var cacheMaximum: UInt64 = 20 << 30
  /// The time limit of a test file, before the timeout multiplier.
  package var timeout: Duration = .seconds(300)
  /// The time limit of a boot or a resume, unless the script sets its own, before the timeout multiplier.
  package var bootTimeout = Settings.defaultBootTimeLimit
  /// The time limit of an operation, unless the call sets its own, before the timeout multiplier.
  package var operationTimeout: Duration = .seconds(60)
  /// The factor by which all time limits grow; nil: 10 where guests are emulated, 1 with KVM.
  package var timeoutMultiplier: Double?
  /// The largest number of warm VMs of all fixtures (`spares`); nil: by the host's size. 0: none.
  package var warmVMs: Int?
  /// The number of failed tests of a run whose VMs are kept (`keep_failed`); 0: none.
  package var keptFailures = 0
  /// The number that `--keep-failed` and `keep_failed = true` stand for.
  package static let usualKeptFailures = 5
  package static let mostKeptFailures = 1024
  /// The size of all kept VMs in bytes above which the oldest are removed (`keep_max`).
  package var keptMaximum: UInt64 = 2 << 30
  /// Kernel reports that fail no test, as parts of their first lines.
  package var allowedSplats: [String] = []

  package init() {}

  /// `$XDG_CACHE_HOME/provium`, else `~/.cache/provium`.
  package static var defaultCache: String {
    if let cache = Environment["XDG_CACHE_HOME"], cache.hasPrefix("/") { return "\(cache)/provium" }
    return Files.resolve("~/.cache/provium", against: "/")
  }
}
