import ProviumSystem

/// A build of the kernel's selftests from the kernel's sources, with the kernel's own make files.
package struct SelftestBuild {
  /// The absolute path of the sources.
  private let sources: String
  /// The absolute path of the install tree.
  private let install: String
  /// Empty: those that the make file names.
  private let collections: [String]

  /// - Parameters:
  ///   - sources: the absolute path of the kernel's sources.
  ///   - install: the absolute path of the install tree.
  ///   - selected: collections and programs (`timers`, `net:tls`). A pattern of collections selects all of them.
  package init(sources: String, install: String, selected: [String]) {
    self.sources = sources
    self.install = install
    let names = selected.map { String($0.prefix { $0 != ":" }) }
    let isPattern = names.contains { $0.contains { "*?[".contains($0) } }
    collections = isPattern ? [] : names.uniqued()
  }

  private var selftests: String { "\(sources)/tools/testing/selftests" }

  /// The arguments of `make`, one call after the other.
  private var calls: [[String]] {
    let targets = collections.isEmpty ? [] : ["TARGETS=\(collections.joined(separator: " "))"]
    return [
      ["-C", sources, "headers"], ["-C", selftests] + targets + ["install", "INSTALL_PATH=\(install)"],
    ]
  }

  /// Builds and installs. Blocks until make ends.
  /// - Parameter progress: receives each command line before it runs.
  /// - Throws: `SuiteError` where the sources are not the kernel's, make fails, or a collection was not built.
  package func run(progress: (String) -> Void) throws {
    guard Files.exists("\(selftests)/lib.mk") else {
      throw SuiteError.noSources(path: Files.display(sources))
    }
    for arguments in calls {
      progress("make \(arguments.map { $0.contains(" ") ? "\"\($0)\"" : $0 }.joined(separator: " "))")
      let run: ToolRun
      do {
        run = try ToolRun.run("make", arguments, allowFailure: true, deadline: .never)
      } catch {
        throw SuiteError.buildFailed(path: Files.display(sources), reason: "\(error)")
      }
      guard run.status.isSuccess else { throw failed("make ended with \(run.status)", run) }
      guard arguments.contains("install") else { continue }
      // The make file succeeds where one collection was built.
      let built = Set(try SelftestTree(install).programs.map(\.collection))
      for name in collections
      where !built.contains(name) && !built.contains(where: { $0.hasPrefix("\(name)/") }) {
        throw failed("the collection '\(name)' was not built", run)
      }
    }
  }

  /// Lines of make's output in an error.
  private static let shownLines = 15

  private func failed(_ reason: String, _ run: ToolRun) -> SuiteError {
    let errors = run.errorText.split(separator: "\n").suffix(Self.shownLines)
    let lines = errors.isEmpty ? run.outputText.split(separator: "\n").suffix(Self.shownLines) : errors
    return .buildFailed(
      path: Files.display(sources),
      reason: ([reason] + lines.map { HarmlessText.line(String($0)) }).joined(separator: "\n  ")
    )
  }
}
