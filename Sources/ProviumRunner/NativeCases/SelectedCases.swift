import Synchronization

/// The native cases that the test runner selected, by file. Thread-safe.
///
/// Filled before any case starts, by a call that test runners make for each test that is left after filtering: `prepare(for:)` in
/// Swift Testing, `init(name:testClosure:)` in XCTest.
package final class SelectedCases: Sendable {
  package static let shared = SelectedCases()
  private let subjects = Mutex<[String: Set<NativeCase.Subject>]>([:])

  /// - Parameter file: The absolute path of the test file.
  package func add(_ subject: NativeCase.Subject, of file: String) {
    subjects.withLock { _ = $0[file, default: []].insert(subject) }
  }

  package func selected(in file: String) -> Set<NativeCase.Subject> { subjects.withLock { $0[file] ?? [] } }
}
