package import ProviumRuntime
package import ProviumScripts
import ProviumSystem

/// All tests of a project: its Lua files, and the suites of its `provium.toml`.
package struct ProjectTests: TestSource {
  private let scripts = LuaTests()
  private let suites: [String: KernelSuite]
  private let configuration: Configuration
  /// Whether the suites are all that there is: the command names no scripts.
  private let hasScripts: Bool

  /// Reads the lists of the suites. Boots nothing.
  /// - Throws: `SuiteError`.
  package init(_ configuration: Configuration) throws {
    self.configuration = configuration
    hasScripts = true
    suites = try Self.suites(of: configuration)
  }

  /// The suites of a configuration alone: another reader finds its scripts.
  init(suitesOf configuration: Configuration) throws {
    self.configuration = configuration
    hasScripts = false
    suites = try Self.suites(of: configuration)
  }

  private static func suites(of configuration: Configuration) throws -> [String: KernelSuite] {
    try configuration.suites.mapValues {
      try KernelSuite($0, selected: [], prefix: $0.name, in: configuration)
    }
  }

  /// One suite alone, which the command line names.
  /// - Parameter selected: collections and programs; empty: those of the suite's settings.
  package init(_ suite: SuiteSettings, selected: [String], in configuration: Configuration) throws {
    self.configuration = configuration
    hasScripts = false
    suites = [suite.name: try KernelSuite(suite, selected: selected, prefix: nil, in: configuration)]
  }

  /// - Parameter paths: files and folders of scripts, and names of suites. Empty: all of the project.
  package func discover(_ paths: [String], from directory: String, in configuration: Configuration) throws
    -> DiscoveredFiles
  {
    let named = paths.filter { isSuite($0, from: directory) }
    let scriptPaths = paths.filter { !named.contains($0) }
    var found = DiscoveredFiles(files: [])
    let hasDefaults = !configuration.settings.tests.isEmpty || suites.isEmpty
    if hasScripts, !scriptPaths.isEmpty || paths.isEmpty && hasDefaults {
      found = try scripts.discover(scriptPaths, from: directory, in: configuration)
    }
    for name in paths.isEmpty ? suites.keys.sorted() : named {
      found.files += suites[name]?.files ?? []
    }
    return found
  }

  /// A path that exists is a path, whatever suites are called.
  private func isSuite(_ name: String, from directory: String) -> Bool {
    suites[name] != nil && !Files.exists(Files.resolve(name, against: directory))
  }

  package func list(_ file: TestFile, _ selection: TestSelection) throws -> TestList {
    guard let suite = suite(of: file) else { return try scripts.list(file, selection) }
    return TestList(file, suite.script(file, in: configuration), selection)
  }

  /// The files of the suites, in the order of the suites' names.
  var suiteFiles: [TestFile] { suites.keys.sorted().flatMap { suites[$0]?.files ?? [] } }

  /// The sub-tests of a suite's file, as far as they are known without a boot.
  func script(ofSuite file: TestFile) -> ScannedScript {
    suite(of: file)?.script(file, in: configuration) ?? .unknown
  }

  private func suite(of file: TestFile) -> KernelSuite? { file.suite.flatMap { suites[$0] } }

  package func isShared(_ path: String) -> Bool { scripts.isShared(path) }

  package func run(
    _ run: TestRun,
    interruption: Interruption,
    abandoned: @escaping @Sendable (EndedRun) -> Void
  ) -> EndedRun? {
    guard let suite = suite(of: run.file) else {
      return scripts.run(run, interruption: interruption, abandoned: abandoned)
    }
    return suite.run(run, interruption: interruption)
  }
}
