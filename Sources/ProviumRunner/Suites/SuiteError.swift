package import ProviumRuntime
import ProviumSystem

/// Why a suite of tests that come with a kernel cannot be used.
package enum SuiteError: CodedError, Sendable, CustomStringConvertible {
  case noTree(path: String)
  case noLTP(path: String, isFolder: Bool)
  case noFstests(path: String, reason: String)
  case noSources(path: String)
  case buildFailed(path: String, reason: String)
  case badTest(path: String, line: Int, text: String)
  case unknownGroup(String, path: String, hint: String)
  case noList(path: String, hint: String)
  case badLine(path: String, line: Int, text: String)
  case unknownSelection(String, path: String, hint: String)
  case nothingSelected(path: String)
  case foreignTree(program: String, tree: String, guest: String)
  case badFilter(String)
  /// - Parameter filter: nil: the kernel has no suites at all.
  case unknownKUnit(_ filter: String?, profile: String, hint: String)
  case unreadable(path: String, reason: String)

  package var description: String {
    switch self {
    case .noTree(let path):
      "\(path): no such folder: it must be an install tree of the kernel's selftests; "
        + Self.otherSelftests
    case .noLTP(let path, let isFolder):
      "\(path): \(isFolder ? "no installation of LTP: it has no runtest and testcases/bin" : "no such folder: it must be an installation of LTP"); "
        + "\(Self.option), or make one in the sources of LTP with:\n"
        + "  make autotools && ./configure --prefix=DIR && make && make install"
    case .noFstests(let path, let reason):
      "\(path): no built tree of fstests: \(reason); \(Self.option), or make one in the sources of fstests with:\n  make"
    case .noSources(let path): "\(path): no sources of a kernel: they have no tools/testing/selftests/lib.mk"
    case .buildFailed(let path, let reason): "the selftests of \(path) could not be built: \(reason)"
    case .badTest(let path, let line, let text):
      "\(path):\(line): a line must be NAME COMMAND, got '\(HarmlessText.line(text))'"
    case .unknownGroup(let name, let path, let hint): "\(path) has no test in the group '\(name)'\(hint)"
    case .noList(let path, let hint):
      "\(path): no install tree of the kernel's selftests: it has no kselftest-list.txt\(hint)"
    case .badLine(let path, let line, let text):
      "\(path):\(line): a line must be COLLECTION:PROGRAM, got '\(HarmlessText.line(text))'"
    case .unknownSelection(let name, let path, let hint):
      "\(path) has no collection or program '\(name)'\(hint)"
    case .nothingSelected(let path): "no program of \(path) is selected: 'skip' leaves out all of them"
    case .foreignTree(let program, let tree, let guest):
      "the programs were built for \(tree) (\(program)), and the guest is \(guest)"
    case .badFilter(let filter):
      "'\(HarmlessText.line(filter))' cannot be a pattern of KUnit: it may hold no space, quote or comma"
    case .unknownKUnit(let filter?, let profile, let hint):
      "the kernel of the profile '\(profile)' has no KUnit suite that '\(filter)' selects, built in or as a module\(hint)"
    case .unknownKUnit(nil, let profile, _):
      "the kernel of the profile '\(profile)' has no KUnit suites, built in or as modules: build one with CONFIG_KUNIT and tests"
    case .unreadable(let path, let reason): "\(path): \(reason)"
    }
  }

  package var code: ProviumError.Code { .configuration }

  /// The ways in which a user names a tree.
  private static let option = "name another with --install DIR (path in provium.toml)"

  /// The ways to another install tree of the selftests.
  static let otherSelftests =
    "\(option), build one with --build LINUX, or make one with:\n  \(selftestCommand("LINUX"))"

  /// Makes an install tree of the selftests from the sources of a kernel.
  static func selftestCommand(_ sources: String) -> String {
    "make -C \(sources) headers && make -C \(sources)/tools/testing/selftests "
      + "TARGETS=\"timers\" install INSTALL_PATH=\"$PWD/kselftest_install\""
  }
}
