import ProviumSystem

/// A sub-test with its inner tests. Results arrive from the inside outwards; reports show the outer test
/// first.
package struct TestTree: Sendable {
  /// The test's own name, without the names of its outer tests.
  package let name: String
  /// The name that tells the test from its siblings: tests after the first of one name have an ordinal, as in
  /// `same #2`.
  package private(set) var title: String
  /// nil for a test without a result of its own, which is known by its inner tests.
  package private(set) var result: SubTestResult?
  /// The tests directly inside this one, in order.
  package private(set) var children: [TestTree] = []

  /// A result with the title that identifies the test in its file.
  package struct TitledResult: Sendable {
    /// The titles from the outermost test inwards: `outer / same #2`.
    package let title: String
    package let result: SubTestResult
  }

  /// Returns the outermost tests, in order.
  package static func roots(of results: [SubTestResult]) -> [TestTree] {
    var root = TestTree(name: "")
    for result in results { root.insert(result, path: result.path[...]) }
    root.numberChildren()
    return root.children
  }

  /// Returns `results` with each test before its inner tests.
  package static func ordered(_ results: [SubTestResult]) -> [TitledResult] {
    roots(of: results).flatMap { $0.all(after: "") }
  }

  /// Whether the test or an inner test has failed.
  package var hasFailed: Bool { result?.outcome.isFailure == true || children.contains(where: \.hasFailed) }

  private func all(after prefix: String) -> [TitledResult] {
    let full = prefix + title
    return (result.map { [TitledResult(title: full, result: $0)] } ?? [])
      + children.flatMap { $0.all(after: full + " / ") }
  }

  private init(name: String) {
    self.name = name
    title = name
  }

  private mutating func insert(_ new: SubTestResult, path: ArraySlice<String>) {
    guard let first = path.first else {
      result = new
      return
    }
    // One thread runs a file: the inner tests of a test end one after the other, and the test itself directly
    // after them. A test that has a result has ended: another result of its name belongs to another test.
    if children.last?.name != first || children.last?.result != nil {
      children.append(TestTree(name: first))
    }
    children[children.count - 1].insert(new, path: path.dropFirst())
  }

  private mutating func numberChildren() {
    var titles = OrdinalNames()
    for index in children.indices {
      children[index].title = titles.next(children[index].name)
      children[index].numberChildren()
    }
  }
}
