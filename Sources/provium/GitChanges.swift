import ProviumLua
import ProviumRuntime
import ProviumSystem

/// What changed since a git revision, in commits and in the work tree, and which test files that concerns.
struct GitChanges {
  /// Without links.
  private let changed: Set<String>
  /// The project's configuration has changed: that concerns every file.
  private let hasConfiguration: Bool
  /// A Lua file has changed that has no tests of its own: a helper, a fixture.
  private let hasSharedScript: Bool

  init(since revision: String, in configuration: Configuration) throws {
    func git(_ folder: String, _ arguments: String...) throws -> ToolRun {
      try ToolRun.run("git", ["-C", folder] + arguments)
    }
    let top = try git(configuration.root, "rev-parse", "--show-toplevel").outputText.trimmed
    // What a user gives must not be taken for an option.
    let commit: String
    do {
      commit = try git(top, "rev-parse", "--verify", "--quiet", "--end-of-options", "\(revision)^{commit}")
        .outputText.trimmed
    } catch ToolRun.Failure.failed { throw ChoiceError.noRevision(revision, repository: top) }
    let committed = try git(top, "diff", "--name-only", "--no-renames", "-z", commit, "--")
    let untracked = try git(top, "ls-files", "--others", "--exclude-standard", "-z")
    let names = (committed.output + untracked.output).split(separator: 0)
    let changed = Set(names.map { Files.canonical("\(top)/\(String(decoding: $0, as: UTF8.self))") })
    hasConfiguration = configuration.path.map { changed.contains(Files.canonical($0)) } ?? false
    self.changed = changed
    hasSharedScript = changed.contains { $0.hasSuffix(".lua") && Self.isShared($0) }
  }

  private static func isShared(_ path: String) -> Bool {
    // One that has gone may have been anything.
    guard let source = try? Files.read(path) else { return true }
    return LuaSourceScanner.scan(source).tests.isEmpty
  }

  /// Whether a change concerns `file`.
  /// - Parameter touched: what it looked at when it last ran. Where that is not known, or no longer so, every change of a
  ///   script that files share concerns it.
  func concerns(_ file: TestFile, touched: RunMemory.Touched?) -> Bool {
    if hasConfiguration || changed.contains(Files.canonical(file.path)) { return true }
    guard let touched else { return hasSharedScript }
    return !touched.paths.isDisjoint(with: changed) || !touched.isCurrent && hasSharedScript
  }
}
