/// The tests of a script, found by reading its source.
package struct ScannedScript: Sendable, Equatable {
  /// The outermost tests, in order.
  package var tests: [ScannedTest] = []
  /// The first error. What is before it was read.
  package var error: LuaSyntaxError?
  /// Whether it calls `dofile`, `loadfile` or `require`: the files it loads may define tests too.
  package var loadsOthers = false
  /// Whether it defines `test`, `skip` or `todo` itself: calls of them may not be calls of Provium's
  /// functions.
  package var redefinesFunctions = false

  /// Every test with a literal name, in order, each before its children. Tests inside a dynamic one are left
  /// out.
  package var listed: [ListedTest] { Self.list(tests, below: [], tags: []) }

  /// Whether some tests are known only when the script runs.
  package var hasDynamicTests: Bool { Self.anyDynamic(tests) }

  private static func list(_ tests: [ScannedTest], below path: [String], tags: [String]) -> [ListedTest] {
    tests.flatMap { test -> [ListedTest] in
      guard case .literal(let name) = test.name else { return [] }
      let all = tags + test.tags
      return [ListedTest(path: path + [name], test: test, tags: all)]
        + list(test.children, below: path + [name], tags: all)
    }
  }

  private static func anyDynamic(_ tests: [ScannedTest]) -> Bool {
    tests.contains { $0.name == .dynamic || anyDynamic($0.children) }
  }
}
