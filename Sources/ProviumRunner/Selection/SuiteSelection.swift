package import ProviumEvents
package import ProviumRuntime
package import ProviumScripts
import ProviumSystem

/// The files of a suite that run, in their order.
///
/// Steps on which all shards must agree come first: they depend on the arguments and the sources alone. The history of this host
/// only narrows the shard's own part.
package struct SuiteSelection: Sendable {
  package let files: [TestFile]
  /// Entries that look like test files and cannot be run, and why: one line each.
  package let skipped: [String]
  /// The seed of the random order.
  package let seed: UInt64?
  /// This part of a sharded suite; nil for a whole suite.
  package let shard: RunShard?
  /// Seconds that each file took when it last ran, by name: for the estimate.
  package let durations: [String: Double]
  /// The source that found the files and runs them.
  package let source: any TestSource
  /// No path and no option leaves out a file.
  package let isEverything: Bool

  /// The kernels that the run was told to boot, as the user named them.
  package var kernels: [String] { (source as? MatrixTests)?.labels ?? [] }

  /// - Parameter paths: Files and folders. Empty: those of `provium.toml`.
  /// - Throws: `SelectionError` if no file is left to run, `ShardError` if the environment does not identify the shard.
  package init(
    _ paths: [String],
    _ criteria: SuiteCriteria,
    configuration: Configuration,
    memory: RunMemory,
    source: any TestSource
  ) throws {
    self.source = source
    let found = try source.discover(paths, from: Files.currentDirectory, in: configuration)
    skipped = found.skipped
    let suite = try Self.narrow(
      try Self.filter(found.files, by: criteria.filters),
      to: criteria.tests,
      source
    )
    let record = try criteria.durations?.restricted(to: suite)
    durations = record ?? memory.durations(of: suite)

    let shard = try criteria.shard ?? Shard.fromEnvironment()
    var files = suite
    if let shard {
      files = shard.files(of: suite, durations: record ?? [:])
      if let path = shard.statusFile { try Files.write([], to: path, mode: 0o644) }
      self.shard = RunShard(
        index: shard.index,
        total: shard.total,
        isBalanced: record != nil,
        suite: suite.map(\.name),
        part: files.map(\.name)
      )
    } else {
      self.shard = nil
    }
    files = try Self.recall(files, criteria, configuration, memory, source, isPart: shard != nil)
    seed = criteria.seed
    if let seed {
      var generator = SeededGenerator(seed: seed)
      files.shuffle(using: &generator)
    }
    self.files = files
    isEverything = paths.isEmpty && files.count == found.files.count
  }

  /// `-f`: by the name in reports, or by the path in messages.
  private static func filter(_ files: [TestFile], by filters: [String]) throws -> [TestFile] {
    guard !filters.isEmpty else { return files }
    let filters = filters.map(PathText.canonical)
    let chosen = files.filter { file in
      filters.contains { file.name.contains($0) || file.displayPath.contains($0) }
    }
    guard !chosen.isEmpty else { throw SelectionError.noneMatch(filters) }
    return chosen
  }

  /// Leaves out files in which nothing can be selected, as far as reading them tells.
  private static func narrow(
    _ files: [TestFile],
    to selection: TestSelection,
    _ source: any TestSource
  ) throws -> [TestFile] {
    guard !selection.isEverything else { return files }
    var lists: [TestList] = []
    let chosen = files.filter { file in
      guard let list = try? source.list(file, selection) else { return true }
      lists.append(list)
      return list.mayRun
    }
    guard !chosen.isEmpty else { throw SelectionError.noSubTest(UnknownTest(selection, in: lists)) }
    return chosen
  }

  /// `--since`, `--rerun-failed`, `--failed-first`.
  /// - Parameter isPart: The files are a shard's. A shard without files is valid.
  private static func recall(
    _ files: [TestFile],
    _ criteria: SuiteCriteria,
    _ configuration: Configuration,
    _ memory: RunMemory,
    _ source: any TestSource,
    isPart: Bool
  ) throws -> [TestFile] {
    var files = files
    if let revision = criteria.since {
      let changes = try GitChanges(since: revision, in: configuration, source)
      let touched = memory.touched(by: files)
      files = files.filter { changes.affect($0, touched: touched[$0]) }
      guard isPart || !files.isEmpty else { throw SelectionError.nothingChanged(revision) }
    }
    if criteria.rerunFailed {
      let failed = memory.failed(of: files)
      guard isPart || !failed.isEmpty else { throw SelectionError.noneFailed }
      files = files.filter(failed.contains)
    } else if criteria.failedFirst {
      let failed = memory.failed(of: files)
      files = files.filter(failed.contains) + files.filter { !failed.contains($0) }
    }
    return files
  }
}
