package import ProviumRuntime
package import ProviumScripts

/// A source of tests: Lua files, selftests or KUnit suites.
///
/// A source finds its test files, lists their tests and runs one file. Selection, shards, order, repetition, retries and history
/// belong to the runner and are the same for every source.
package protocol TestSource: Sendable {
  /// Finds the test files under `paths`, each once, in an order that depends on the paths and the files alone.
  /// - Parameters:
  ///   - paths: Files and folders, relative to `directory` or absolute. Empty: those that the configuration names.
  ///   - configuration: read for the folder of `provium.toml` and the folders to leave out.
  /// - Throws: `TestDiscovery.Failure` for a path that does not exist or holds no test file.
  func discover(_ paths: [String], from directory: String, in configuration: Configuration) throws
    -> DiscoveredFiles

  /// Lists the tests of a file by reading it. Boots nothing and runs nothing.
  /// - Throws: `SystemError` if the file cannot be read.
  func list(_ file: TestFile, _ selection: TestSelection) throws -> TestList

  /// Whether the file at `path` has no tests of its own, so that other test files may load it.
  func isShared(_ path: String) -> Bool

  /// Runs a file to its end on the calling thread. Ends everything that it started.
  /// - Parameters:
  ///   - interruption: Ends the run early when it is raised.
  ///   - abandoned: Called instead of returning a result, on another thread, if the run is stuck and was given up. The
  ///     calling thread may then never return.
  /// - Returns: The result, or nil if the run was given up.
  func run(
    _ run: TestRun,
    interruption: Interruption,
    abandoned: @escaping @Sendable (EndedRun) -> Void
  ) -> EndedRun?
}

/// The test files that a source found.
package struct DiscoveredFiles: Sendable {
  package var files: [TestFile]
  /// Entries that look like test files and cannot be run, and why: one line each.
  package var skipped: [String] = []
}
