import ProviumHistory
import ProviumRuntime
import ProviumSystem

/// Which files run, and in which order: filters, history, git, shards, shuffling.
struct FileChoice {
  let files: [TestFile]
  /// Of `--shuffle`, as used.
  let seed: UInt64?
  /// Seconds that each file took when it last ran, by name.
  let durations: [String: Double]

  init(_ paths: [String], selection: SelectionOptions, configuration: Configuration, history: History?) throws
  {
    let given = paths.isEmpty ? configuration.settings.tests : paths
    var files = try TestDiscovery.find(given)
    let durations = Self.recall(history) { history in
      try Set(files.map(\.root)).reduce(into: [:]) { $0.merge(try history.durations(root: $1)) { $1 } }
    }
    self.durations = durations ?? [:]
    if !selection.filters.isEmpty {
      files = files.filter { file in selection.filters.contains { file.name.contains($0) } }
      guard !files.isEmpty else { throw ChoiceError.noneMatch(selection.filters) }
    }
    if let revision = selection.since {
      let changed = try GitChanges(since: revision, in: configuration.root)
      files = files.filter(changed.touches)
      guard !files.isEmpty else { throw ChoiceError.nothingChanged(revision) }
    }
    if selection.rerunFailed || selection.failedFirst {
      let failed =
        Self.recall(history) { history in
          try Set(files.filter { try history.failedFiles(root: $0.root).contains($0.name) })
        } ?? []
      if selection.rerunFailed {
        guard !failed.isEmpty else { throw ChoiceError.noneFailed }
        files = files.filter(failed.contains)
      } else {
        files = files.filter(failed.contains) + files.filter { !failed.contains($0) }
      }
    }
    if let shard = try selection.shard ?? Shard.fromEnvironment() {
      files = shard.files(of: files) { durations?[$0.name] }
      if let path = shard.statusFile { try Files.write([], to: path, mode: 0o644) }
    }
    if let wanted = selection.shuffle {
      let seed = wanted == 0 ? UInt64.random(in: 1...UInt64(UInt32.max)) : wanted
      var generator = SeededGenerator(seed: seed)
      files.shuffle(using: &generator)
      self.seed = seed
    } else {
      seed = nil
    }
    self.files = files
  }

  /// History helps; a history that cannot be read must not stop a run.
  private static func recall<Value>(_ history: History?, _ read: (History) throws -> Value) -> Value? {
    guard let history else { return nil }
    do { return try read(history) } catch {
      Console.error("provium: warning: the history of past runs cannot be read: \(error)")
      return nil
    }
  }
}

/// Nothing is left to run, and why.
enum ChoiceError: Error, CustomStringConvertible {
  case noneMatch([String])
  case nothingChanged(String)
  case noneFailed

  var description: String {
    switch self {
    case .noneMatch(let filters):
      "no test file's path contains \(filters.map { "'\($0)'" }.joined(separator: " or "))"
    case .nothingChanged(let revision): "no test file changed since \(revision)"
    case .noneFailed: "no test file failed when it last ran (or none has run yet)"
    }
  }
}

/// What changed since a git revision, in the work tree and in commits.
struct GitChanges {
  private let changed: Set<String>

  init(since revision: String, in directory: String) throws {
    let top = try ToolRun.run("git", ["-C", directory, "rev-parse", "--show-toplevel"]).outputText.trimmed
    let committed = try ToolRun.run("git", ["-C", top, "diff", "--name-only", "-z", "\(revision)", "--"])
    let untracked = try ToolRun.run("git", ["-C", top, "ls-files", "--others", "--exclude-standard", "-z"])
    let names = (committed.output + untracked.output).split(separator: 0)
    changed = Set(names.map { "\(top)/\(String(decoding: $0, as: UTF8.self))" })
  }

  /// The file itself changed, or something that many files share: a fixture, a helper, the configuration.
  func touches(_ file: TestFile) -> Bool {
    changed.contains(file.path)
      || changed.contains { path in
        path.hasPrefix(file.root + "/") && path.hasSuffix(".lua")
          && (path.contains("/fixtures/") || path.split(separator: "/").last?.hasPrefix("_") == true)
      }
      || changed.contains { $0.hasSuffix("/\(ConfigurationFile.name)") }
  }
}
