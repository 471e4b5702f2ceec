import ProviumEvents

/// A sub-test or script with a failure of its own. Outer tests that failed only by their inner tests are left
/// out.
struct FailedTest {
  let file: String
  /// nil for the script outside its sub-tests.
  let name: String?
  let failure: Failure

  var title: String { name.map { "\(file) · \($0)" } ?? file }

  static func all(in record: RunRecord) -> [FailedTest] {
    record.results.flatMap { result -> [FailedTest] in
      var tests = TestTree.ordered(result.subTests).compactMap { test -> FailedTest? in
        guard case .failed(let failure) = test.result.outcome, failure.kind != .inner else { return nil }
        return FailedTest(file: result.file, name: test.title, failure: failure)
      }
      if case .failed(let failure) = result.outcome {
        tests.append(FailedTest(file: result.file, name: nil, failure: failure))
      }
      return tests
    }
  }
}
