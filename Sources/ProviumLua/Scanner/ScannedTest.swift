/// A `test(name[, meta], fn)` as it stands in a script's source.
package struct ScannedTest: Sendable, Equatable {
  package enum Name: Sendable, Equatable {
    case literal(String)
    /// Computed when the script runs.
    case dynamic
  }
  /// Where it is known to be from reading alone that the test will not run in full.
  package enum Exemption: Sendable, Equatable {
    case skip(reason: String?)
    case todo(reason: String?)
  }
  package var name: Name
  /// Of the word `test`: line from 1, column in bytes from 1.
  package var line: Int
  package var column: Int
  /// Inside an `if`, a loop, or a function other than a test's: it may run never, or more than once.
  package var isConditional = false
  package var exemption: Exemption?
  package var tags: [String] = []
  /// The tags, or the whole `meta`, are computed when the script runs: `tags` may lack some.
  package var hasComputedTags = false
  package var isSlow = false
  /// The `timeout` of `meta` as written: `5`, `500ms`.
  package var timeout: String?
  /// The tests inside its body.
  package var children: [ScannedTest] = []
}

/// A test with a literal name at every level, and the names that lead to it.
package struct ListedTest: Sendable, Equatable {
  /// From the outermost inwards.
  package let path: [String]
  package let test: ScannedTest
  /// The test's own tags and those of the tests around it.
  package let tags: [String]

  /// `outer / inner`.
  package var name: String { path.joined(separator: " / ") }
}

/// What reading a script tells of its tests.
package struct ScannedScript: Sendable, Equatable {
  /// The outermost tests, in order.
  package var tests: [ScannedTest] = []
  /// What is no Lua; what stands before it was read.
  package var error: LuaSyntaxError?
  /// It calls `dofile`, `loadfile` or `require`: what it loads may define tests, too.
  package var loadsOthers = false
  /// It gives `test`, `skip` or `todo` a meaning of its own: what it calls so may not be Provium's.
  package var redefinesFunctions = false

  /// Every test with a literal name, in order, each before its children; what is inside of a dynamic one is left out.
  package var listed: [ListedTest] { Self.list(tests, below: [], tags: []) }

  /// Whether some tests will be known only when the script runs.
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
