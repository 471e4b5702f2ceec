import Glibc
import ProviumSystem

/// An install tree of the kernel's selftests, as `make -C tools/testing/selftests install` makes it.
///
///     kselftest-list.txt          COLLECTION:PROGRAM, one a line
///     COLLECTION/PROGRAM
///     COLLECTION/settings         `timeout=SECONDS`
///     COLLECTION/config           the kernel's options that the collection needs
///
/// Layout: Documentation/dev-tools/kselftest.rst and tools/testing/selftests/kselftest/runner.sh of the kernel.
struct SelftestTree: Sendable {
  /// Absolute.
  let path: String
  /// In the order of the list.
  let programs: [SuiteProgram]

  static let listName = "kselftest-list.txt"
  /// Seconds that a program may take unless its collection says otherwise (`kselftest_timeout` in runner.sh).
  private static let defaultTimeout = Duration.seconds(45)

  /// Reads the list of the tree.
  init(_ path: String) throws {
    self.path = path
    guard Files.isDirectory(path) else { throw SuiteError.noTree(path: path) }
    let list = "\(path)/\(Self.listName)"
    guard Files.exists(list) else {
      throw SuiteError.noList(path: path, hint: Self.hint(for: path))
    }
    let text: String
    do { text = try Files.readText(list) } catch {
      throw SuiteError.unreadable(path: list, reason: "\(error)")
    }
    var programs: [SuiteProgram] = []
    for (index, raw) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let line = String(raw).trimmed
      guard !line.isEmpty else { continue }
      guard let program = Self.program(line) else {
        throw SuiteError.badLine(path: list, line: index + 1, text: line)
      }
      programs.append(program)
    }
    self.programs = programs.uniqued()
  }

  /// Says how to make an install tree from a kernel's sources.
  private static func hint(for path: String) -> String {
    let sources = [path, "\(path)/../../.."].map(Files.normalize).first {
      Files.exists("\($0)/tools/testing/selftests/lib.mk")
    }
    guard let sources else { return "; \(SuiteError.otherSelftests)" }
    let shown = Files.display(sources)
    return "; add --build \(shown), or make one with:\n  \(SuiteError.selftestCommand(shown))"
  }

  /// Neither part may lead out of the tree.
  private static func program(_ line: String) -> SuiteProgram? {
    guard let colon = line.firstIndex(of: ":") else { return nil }
    let program = SuiteProgram(
      collection: String(line[..<colon]),
      name: String(line[line.index(after: colon)...])
    )
    let parts = (program.collection + "/" + program.name).split(
      separator: "/",
      omittingEmptySubsequences: false
    )
    return parts.contains { $0.isEmpty || $0 == "." || $0 == ".." } ? nil : program
  }

  func path(of program: SuiteProgram) -> String { "\(path)/\(program.collection)/\(program.name)" }

  /// The time limit of the programs of a collection; nil: none.
  func timeout(of collection: String) -> Duration? {
    guard let text = try? Files.readText("\(path)/\(collection)/settings") else { return Self.defaultTimeout }
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: "=", maxSplits: 1).map { String($0).trimmed }
      guard parts.count == 2, parts[0] == "timeout", let seconds = Int64(parts[1]), seconds >= 0 else {
        continue
      }
      return seconds == 0 ? nil : .seconds(min(seconds, Self.longestTimeout))
    }
    return Self.defaultTimeout
  }

  /// A day: a longer limit in `settings` is a mistake, and would overflow when it is multiplied.
  private static let longestTimeout: Int64 = 86_400

  /// The options of the kernel that a collection asks for.
  func kernelOptions(of collection: String) -> [KernelOption] {
    guard let text = try? Files.readText("\(path)/\(collection)/config") else { return [] }
    return KernelOptions.fragment(text)
  }
}
