import ProviumRuntime
import ProviumScripts
import ProviumSystem

/// The files that changed since a Git revision, in commits and in the work tree.
struct GitChanges {
  /// Absolute paths without symbolic links.
  private let changed: Set<String>
  /// The project's configuration changed, which affects every file.
  private let hasConfiguration: Bool
  /// A script without tests changed: a helper or a fixture.
  private let hasSharedScript: Bool

  init(since revision: String, in configuration: Configuration, _ source: any TestSource) throws {
    func git(_ folder: String, _ arguments: String...) throws -> ToolRun {
      try ToolRun.run("git", ["-C", folder] + arguments)
    }
    let top = try git(configuration.root, "rev-parse", "--show-toplevel").outputText.trimmed
    // `--end-of-options`: the user's text must not be taken for an option.
    let commit: String
    do {
      commit = try git(top, "rev-parse", "--verify", "--quiet", "--end-of-options", "\(revision)^{commit}")
        .outputText.trimmed
    } catch ToolRun.Failure.failed { throw SelectionError.noRevision(revision, repository: top) }
    let committed = try git(top, "diff", "--name-only", "--no-renames", "-z", commit, "--")
    let untracked = try git(top, "ls-files", "--others", "--exclude-standard", "-z")
    let names = (committed.output + untracked.output).split(separator: 0)
    let changed = Set(names.map { Files.canonical("\(top)/\(PathText.string(of: $0))") })
    hasConfiguration = configuration.path.map { changed.contains(Files.canonical($0)) } ?? false
    self.changed = changed
    hasSharedScript = changed.contains(where: source.isShared)
  }

  /// Whether the changes may change the result of `file`.
  /// - Parameter touched: The files that it read when it last ran. If that is unknown or outdated, a change of any shared
  ///   script affects it.
  func affect(_ file: TestFile, touched: RunMemory.Touched?) -> Bool {
    if hasConfiguration || changed.contains(Files.canonical(file.path)) { return true }
    guard let touched else { return hasSharedScript }
    return !touched.paths.isDisjoint(with: changed) || !touched.isCurrent && hasSharedScript
  }
}
