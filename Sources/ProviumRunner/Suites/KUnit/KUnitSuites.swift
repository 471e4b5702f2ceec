import ProviumRuntime
import ProviumScripts
import ProviumSystem

/// The KUnit suites of a kernel: those that are built in run while it boots, those of modules when their module is loaded.
struct KUnitSuites: Sendable {
  /// The suites of one test file of the run.
  struct Unit: Sendable {
    enum Source: Sendable, Hashable {
      /// Suites that only a boot shows.
      case boot
      /// A suite that is built in.
      case builtIn(suite: String)
      /// A suite of a module; nil: all of the module's, whose names only loading it shows.
      case module(name: String, suite: String?)
    }

    let file: TestFile
    let source: Source
    /// Selects suites and cases; nil: all.
    let filter: KUnitFilter?
    /// Whether suites of modules have the filter's pattern, too.
    var hasModules = false

    /// The suite, where it is known without a boot.
    var suite: String? {
      switch source {
      case .boot: nil
      case .builtIn(let suite): suite
      case .module(_, let suite): suite
      }
    }
  }

  let settings: SuiteSettings
  let kernel: KUnitKernel
  let units: [Unit]

  /// Reads the files of the kernel and of its modules.
  /// - Parameters:
  ///   - selected: patterns of names, as KUnit reads them; empty: those of the settings, or else all suites.
  ///   - prefix: of the names of files; nil: there is only one suite.
  /// - Throws: `SuiteError.badFilter`, `.unknownKUnit`; `ConfigurationError` for an unknown profile; `ImageError`.
  init(_ settings: SuiteSettings, selected: [String] = [], prefix: String?, in configuration: Configuration)
    throws
  {
    self.settings = settings
    let profile = try configuration.profile(settings.profile)
    kernel = try KUnitKernel(profile, in: configuration)
    // `deb:6.1` names a kernel, and is no path.
    let path =
      profile.kernel.flatMap { Files.exists($0) ? $0 : nil } ?? configuration.path ?? configuration.root
    let filters = try (selected.isEmpty ? settings.selected : selected).uniqued().map { text in
      guard let filter = KUnitFilter(text) else { throw SuiteError.badFilter(text) }
      return filter
    }
    let base = prefix ?? settings.name
    func unit(_ name: String?, _ source: Unit.Source, _ filter: KUnitFilter?) -> Unit {
      Unit(
        file: TestFile(
          name: name.map { "\(base)/\($0)" } ?? base,
          path: path,
          root: Files.parent(of: path),
          suite: settings.name
        ),
        source: source,
        filter: filter
      )
    }
    let known = Self.known(kernel, isolated: settings.isolation == .program)
    var units: [Unit] = []
    for filter in filters.isEmpty ? [nil] : filters.map(Optional.some) {
      let own = known.filter { filter?.selects(suite: $0.name) ?? true }
      // Without a list of the suites that are built in, a boot with the pattern shows them.
      if kernel.builtIn == nil || settings.isolation != .program && !(kernel.builtIn ?? []).isEmpty {
        var boot = unit(filter?.text, .boot, filter)
        boot.hasModules = !own.isEmpty
        let matches = kernel.builtIn.map { $0.contains { filter?.selects(suite: $0) ?? true } } ?? true
        // A suite of a module is not built in as well.
        let isModule = filter?.namesOneSuite == true && !own.isEmpty
        if matches && !isModule { units.append(boot) }
      } else if own.isEmpty {
        throw SuiteError.unknownKUnit(
          filter?.text,
          profile: profile.name,
          hint: filter.map { NearestName.hint(for: $0.suite, among: known.map(\.name)) } ?? ""
        )
      }
      units += own.map { suite in
        let name = filter?.test == nil ? suite.name : filter?.text(for: suite.name)
        return unit(name, suite.source, filter)
      }
    }
    var names: Set<String> = []
    self.units = units.filter { names.insert($0.file.name).inserted }
  }

  /// The suites that have a file of their own, by name: the files of the kernel tell them.
  /// - Parameter isolated: those that are built in have a VM each.
  private static func known(_ kernel: KUnitKernel, isolated: Bool) -> [(name: String, source: Unit.Source)] {
    var known = isolated ? (kernel.builtIn ?? []).map { ($0, Unit.Source.builtIn(suite: $0)) } : []
    for module in kernel.modules {
      known += module.suites.map { ($0, .module(name: module.name, suite: $0)) }
      if module.suites.isEmpty { known.append((module.name, .module(name: module.name, suite: nil))) }
    }
    return known.sorted { $0.0 < $1.0 }
  }

  func unit(_ file: TestFile) -> Unit? { units.first { $0.file.plainName == file.plainName } }

  /// The list of a file's sub-tests: one for its suite. The names of the cases are known when it has run.
  func script(_ unit: Unit) -> ScannedScript {
    guard let suite = unit.suite else { return .unknown }
    var script = ScannedScript(names: [suite], tags: { _ in [] }, exemption: { _ in nil })
    script.tests[0].children = ScannedScript.unknown.tests
    return script
  }

  /// Suites that provoke kernel reports and check them themselves.
  static func wantsReports(_ suite: String) -> Bool {
    ["kasan", "kfence", "kmsan", "kcsan", "ubsan", "kunit_fault"].contains {
      suite.lowercased().hasPrefix($0)
    }
  }
}
