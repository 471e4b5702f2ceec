import ProviumRuntime
import ProviumScripts
import ProviumSystem

/// The KUnit suites that are built into a kernel. They run while it boots.
struct KUnitSuites: Sendable {
  /// The suites that one boot runs: a test file of the run.
  struct Unit: Sendable {
    let file: TestFile
    /// `kunit.filter_glob`; nil: all suites.
    let filter: String?
  }

  let settings: SuiteSettings
  let units: [Unit]

  /// - Parameters:
  ///   - selected: patterns of names, as KUnit reads them; empty: those of the settings, or else all suites.
  ///   - prefix: of the names of files; nil: there is only one suite.
  /// - Throws: `SuiteError.badFilter`, `ConfigurationError` for an unknown profile.
  init(_ settings: SuiteSettings, selected: [String] = [], prefix: String?, in configuration: Configuration)
    throws
  {
    self.settings = settings
    let profile = try configuration.profile(settings.profile)
    // `deb:6.1` names a kernel, and is no path.
    let path =
      profile.kernel.flatMap { Files.exists($0) ? $0 : nil } ?? configuration.path ?? configuration.root
    let filters = selected.isEmpty ? settings.selected : selected
    for filter in filters where !Self.isUsable(filter) { throw SuiteError.badFilter(filter) }
    let base = prefix ?? settings.name
    func unit(_ filter: String?) -> Unit {
      let name = filter.map { "\(base)/\($0)" } ?? base
      return Unit(
        file: TestFile(name: name, path: path, root: Files.parent(of: path), suite: settings.name),
        filter: filter
      )
    }
    units = filters.isEmpty ? [unit(nil)] : filters.uniqued().map(unit)
  }

  /// A space or a quote would end the word on the kernel's command line.
  private static func isUsable(_ filter: String) -> Bool {
    !filter.isEmpty
      && filter.allSatisfy { $0.isASCII && !$0.isWhitespace && $0 != "\"" && $0 != "'" && $0 != "," }
  }

  func unit(_ file: TestFile) -> Unit? { units.first { $0.file.plainName == file.plainName } }

  /// Only a boot shows the names.
  var script: ScannedScript { .unknown }

  /// Suites that provoke kernel reports and check them themselves.
  static func wantsReports(_ suite: String) -> Bool {
    ["kasan", "kfence", "kmsan", "kcsan", "ubsan"].contains { suite.lowercased().hasPrefix($0) }
  }
}
