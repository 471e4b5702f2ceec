import Glibc

/// A pattern of suites, and of their cases: `list*`, `list-kunit-test.list_test_list_del*`, as `kunit.filter_glob` reads it.
struct KUnitFilter: Sendable, Hashable {
  /// The whole pattern.
  let text: String
  /// The pattern of suites.
  let suite: String
  /// The pattern of cases; nil: all.
  let test: String?

  /// nil: a space, a quote or a comma would end the word on the kernel's command line.
  init?(_ text: String) {
    guard
      !text.isEmpty,
      text.allSatisfy({ $0.isASCII && !$0.isWhitespace && $0 != "\"" && $0 != "'" && $0 != "," })
    else { return nil }
    self.text = text
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    suite = String(parts[0])
    test = parts.count > 1 ? String(parts[1]) : nil
  }

  func selects(suite name: String) -> Bool { fnmatch(suite, name, 0) == 0 }

  func selects(test name: String) -> Bool { test.map { fnmatch($0, name, 0) == 0 } ?? true }

  /// Whether the pattern of suites is a name.
  var namesOneSuite: Bool { !suite.contains { "*?[\\".contains($0) } }

  /// The pattern for the cases in one suite.
  func text(for name: String) -> String { test.map { "\(name).\($0)" } ?? name }
}
