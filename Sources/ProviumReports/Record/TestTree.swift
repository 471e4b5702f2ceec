package import ProviumEvents

/// A sub-test with its inner tests. Results arrive from the inside outwards; reports show the outer test
/// first.
package struct TestTree: Sendable {
  /// The test's own name, without the names of its outer tests.
  package let name: String
  /// nil for a test without a result of its own, which is known by its inner tests.
  package private(set) var result: SubTestResult?
  /// The tests directly inside this one, in order.
  package private(set) var children: [TestTree] = []

  /// Returns the outermost tests, in order.
  package static func roots(of results: [SubTestResult]) -> [TestTree] {
    var root = TestTree(name: "")
    for result in results { root.insert(result, path: result.path[...]) }
    return root.children
  }

  /// Returns `results` with each test before its inner tests.
  package static func ordered(_ results: [SubTestResult]) -> [SubTestResult] {
    guard results.contains(where: { $0.path.count > 1 }) else { return results }
    return roots(of: results).flatMap(\.all)
  }

  /// Whether the test or an inner test has failed.
  package var hasFailed: Bool { result?.outcome.isFailure == true || children.contains(where: \.hasFailed) }

  private var all: [SubTestResult] { (result.map { [$0] } ?? []) + children.flatMap(\.all) }

  private init(name: String) { self.name = name }

  private mutating func insert(_ new: SubTestResult, path: ArraySlice<String>) {
    guard let first = path.first else {
      result = new
      return
    }
    // One thread runs a file: the inner tests of a test end one after the other, and the test itself directly
    // after them.
    if children.last?.name != first || (path.count == 1 && children.last?.result != nil) {
      children.append(TestTree(name: first))
    }
    children[children.count - 1].insert(new, path: path.dropFirst())
  }
}
