package import ProviumEvents

/// Sub-tests as they nest. They end from the inside outwards; people and TAP want them from the outside inwards.
package struct TestTree: Sendable {
  /// Without those around it.
  package let name: String
  /// nil for a test that is only known by those inside it.
  package private(set) var result: SubTestResult?
  /// Those directly inside it, in order.
  package private(set) var children: [TestTree] = []

  /// The outermost tests, in order.
  package static func roots(of results: [SubTestResult]) -> [TestTree] {
    var root = TestTree(name: "")
    for result in results { root.insert(result, path: result.path[...]) }
    return root.children
  }

  /// All results below `results`, each test before those inside it.
  package static func ordered(_ results: [SubTestResult]) -> [SubTestResult] {
    guard results.contains(where: { $0.path.count > 1 }) else { return results }
    return roots(of: results).flatMap(\.all)
  }

  /// A test that passed by itself has still failed when one inside it has.
  package var hasFailed: Bool { result?.outcome.isFailure == true || children.contains(where: \.hasFailed) }

  private var all: [SubTestResult] { (result.map { [$0] } ?? []) + children.flatMap(\.all) }

  private init(name: String) { self.name = name }

  private mutating func insert(_ new: SubTestResult, path: ArraySlice<String>) {
    guard let first = path.first else {
      result = new
      return
    }
    // One thread runs a file: what ends inside a test ends in one go, and the test itself right after.
    if children.last?.name != first || (path.count == 1 && children.last?.result != nil) {
      children.append(TestTree(name: first))
    }
    children[children.count - 1].insert(new, path: path.dropFirst())
  }
}
