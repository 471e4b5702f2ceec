import ProviumEvents
import ProviumLua
import ProviumReports
import ProviumRuntime
import ProviumSystem

/// Which files run, and in which order: filters, sub-tests, shards, git, history, shuffling.
///
/// What all shards must agree on comes first: the files of a suite depend on the arguments and the sources alone. What this
/// machine remembers narrows only the shard's own part.
struct FileChoice {
  let files: [TestFile]
  /// Of `--shuffle`, as used.
  let seed: UInt64?
  /// nil for a whole suite.
  let shard: RunShard?
  /// Seconds that each file took when it last ran, by name: what the estimate is made from.
  let durations: [String: Double]

  init(_ paths: [String], selection: SelectionOptions, configuration: Configuration, memory: RunMemory) throws
  {
    let given = paths.isEmpty ? configuration.settings.tests : paths
    let found = try TestDiscovery.find(given, project: configuration.root)
    let suite = try Self.narrow(try Self.filter(found, by: selection.filters), to: selection.testSelection)
    let record = try selection.durations.map { try RecordedDurations($0, of: suite).seconds }
    durations = record ?? memory.durations(of: suite)

    let shard = try selection.shard ?? Shard.fromEnvironment()
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
    files = try Self.recall(files, selection, configuration, memory, isPart: shard != nil)
    seed = selection.shuffle.map { $0 == 0 ? UInt64.random(in: 1...UInt64(UInt32.max)) : $0 }
    if let seed {
      var generator = SeededGenerator(seed: seed)
      files.shuffle(using: &generator)
    }
    self.files = files
  }

  /// `-f`: by the name, or by the path that messages show.
  private static func filter(_ files: [TestFile], by filters: [String]) throws -> [TestFile] {
    guard !filters.isEmpty else { return files }
    let chosen = files.filter { file in
      filters.contains { file.name.contains($0) || file.displayPath.contains($0) }
    }
    guard !chosen.isEmpty else { throw ChoiceError.noneMatch(filters) }
    return chosen
  }

  /// Without the files in which nothing can be selected, as far as reading them tells.
  private static func narrow(_ files: [TestFile], to selection: TestSelection) throws -> [TestFile] {
    guard !selection.isEverything else { return files }
    var listed: [ListedTest] = []
    let chosen = files.filter { file in
      guard let source = try? Files.read(file.path) else { return true }
      let script = LuaSourceScanner.scan(source)
      listed += script.listed
      return SelectedTests(selection, in: script).mayRun
    }
    guard !chosen.isEmpty else { throw ChoiceError.noSubTest(UnknownTest(selection, listed)) }
    return chosen
  }

  /// `--since`, `--rerun-failed`, `--failed-first`.
  /// - Parameter isPart: of a shard it is no error that nothing is left.
  private static func recall(
    _ files: [TestFile],
    _ selection: SelectionOptions,
    _ configuration: Configuration,
    _ memory: RunMemory,
    isPart: Bool
  ) throws -> [TestFile] {
    var files = files
    if let revision = selection.since {
      let changes = try GitChanges(since: revision, in: configuration)
      let touched = memory.touched(by: files)
      files = files.filter { changes.concerns($0, touched: touched[$0]) }
      guard isPart || !files.isEmpty else { throw ChoiceError.nothingChanged(revision) }
    }
    if selection.rerunFailed {
      let failed = memory.failed(of: files)
      guard isPart || !failed.isEmpty else { throw ChoiceError.noneFailed }
      files = files.filter(failed.contains)
    } else if selection.failedFirst {
      let failed = memory.failed(of: files)
      files = files.filter(failed.contains) + files.filter { !failed.contains($0) }
    }
    return files
  }
}

/// `--durations`: what each file took, from the events of an earlier run.
private struct RecordedDurations {
  /// By name.
  let seconds: [String: Double]

  init(_ path: String, of files: [TestFile]) throws {
    let results = RunRecord(try EventLog.read(path).events).results
    let all = Dictionary(results.map { ($0.file, $0.duration) }, uniquingKeysWith: { $1 })
    seconds = all.filter { known in files.contains { $0.name == known.key } }
    guard !seconds.isEmpty else { throw ChoiceError.noDurations(path) }
  }
}

/// Nothing is left to run, and why.
enum ChoiceError: Error, CustomStringConvertible {
  case noneMatch([String])
  case noSubTest(UnknownTest)
  case nothingChanged(String)
  case noneFailed
  case noRevision(String, repository: String)
  case noDurations(String)

  var description: String {
    switch self {
    case .noneMatch(let filters):
      "no test file's path contains \(filters.map { "'\($0)'" }.joined(separator: " or "))"
    case .noSubTest(let test): test.description
    case .nothingChanged(let revision): "no test file changed since \(revision)"
    case .noneFailed: "no test file failed when it last ran (or none has run yet)"
    case .noRevision(let revision, let repository): "--since: '\(revision)' is no revision of \(repository)"
    case .noDurations(let path):
      "--durations: \(path) has none of these files: it must be the --json of a run of the same tests"
    }
  }
}

/// A selection that takes no sub-test, in the user's terms.
struct UnknownTest: CustomStringConvertible {
  let description: String

  init(_ selection: TestSelection, _ listed: [ListedTest]) {
    func quoted(_ words: [String]) -> String { words.map { "'\($0)'" }.joined(separator: " or ") }
    func hint(_ unknown: [String], _ known: [String]) -> String {
      unknown.lazy.map { NearestName.hint(for: $0, among: known) }.first { !$0.isEmpty } ?? ""
    }
    let names = listed.flatMap { [$0.name, $0.path.last ?? ""] }
    var conditions: [String] = []
    if !selection.names.isEmpty {
      let hint = hint(selection.names.filter { name in !names.contains { $0.contains(name) } }, names)
      conditions.append("whose name contains \(quoted(selection.names))\(hint)")
    }
    if !selection.tags.isEmpty {
      let tags = listed.flatMap(\.tags)
      let hint = hint(selection.tags.filter { !tags.contains($0) }, tags)
      conditions.append("with the tag \(quoted(selection.tags))\(hint)")
    }
    if !selection.excludedTags.isEmpty {
      conditions.append("without the tag \(quoted(selection.excludedTags))")
    }
    description = "there is no sub-test \(conditions.joined(separator: ", "))"
  }
}
