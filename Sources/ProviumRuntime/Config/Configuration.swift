package import ProviumArchitecture
import ProviumSystem

/// The settings of `provium.toml`, or the built-in ones without that file.
package struct Configuration: Sendable, Hashable {
  /// The folder of `provium.toml`; the current directory when there is none.
  package var root: String
  /// nil: no file was found, everything is built in.
  package var path: String?
  package var settings = Settings()
  /// By name, `default` apart unless the file redefines it.
  package var profiles: [String: Profile] = [:]
  /// The suites of tests that come with a kernel, by name.
  package var suites: [String: SuiteSettings] = [:]

  package init(root: String, path: String? = nil) {
    self.root = root
    self.path = path
  }

  /// Other architectures than the host's that profiles name, sorted.
  package var foreignArchitectures: [Architecture] {
    Set(profiles.values.compactMap(\.architecture)).filter { $0.name != HostFacts.machine }
      .sorted { $0.name < $1.name }
  }

  /// The profile of that name; `default` always exists.
  package func profile(_ name: String) throws -> Profile {
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

  /// Default paths of `provium test` and `swift test`, absolute.
  package var tests: [String] = []
  /// Shared folders of fixtures, absolute: searched after the test's own.
  package var fixtureFolders: [String] = []
  /// Where kernels, images and fixtures are kept, absolute.
  package var cache: String = Settings.defaultCache
  /// Bytes above which least recently used fixtures leave.
  package var cacheMaximum: UInt64 = 20 << 30
  /// One test file, wall clock, before scaling for emulation.
  package var timeout: Duration = .seconds(300)
  /// One boot or resume, unless the script says otherwise, before scaling.
  package var bootTimeout = Settings.defaultBootTimeLimit
  /// One guest operation, unless the call says otherwise, before scaling.
  package var operationTimeout: Duration = .seconds(60)
  /// The factor by which all time limits grow; nil: 10 where guests are emulated, 1 with KVM.
  package var timeoutMultiplier: Double?
  /// The largest number of warm VMs of all fixtures (`spares`); nil: by the host's size. 0: none.
  package var warmVMs: Int?
  /// Console reports that are meant, as plain parts of their first line.
  package var allowedSplats: [String] = []

  package init() {}

  /// `$XDG_CACHE_HOME/provium`, else `~/.cache/provium`.
  package static var defaultCache: String {
    if let cache = Environment["XDG_CACHE_HOME"], cache.hasPrefix("/") { return "\(cache)/provium" }
    return Files.resolve("~/.cache/provium", against: "/")
  }
}

/// A `[profile.NAME]` table: what boots.
package struct Profile: Sendable, Hashable {
  package var name: String
  /// Absolute; nil only for the built-in profile, whose kernel is a distribution's.
  package var kernel: String?
  package var initrd: String?
  package var rootfs: String?
  package var initProgram: String?
  package var append: String?
  package var modules: String?
  /// nil: the host's.
  package var architecture: Architecture?

  package init(name: String) { self.name = name }

  /// A stock distribution kernel and a small busybox userland.
  package static let builtIn = Profile(name: "default")
  package var isBuiltIn: Bool { kernel == nil }
}
