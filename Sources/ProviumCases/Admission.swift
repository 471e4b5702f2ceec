import Synchronization

/// Admits as many scripts at a time as the runtime runs files, without blocking a cooperative thread.
package actor Admission {
  private var free: Int
  private var waiting: [CheckedContinuation<Void, Never>] = []

  init(width: Int) { free = max(1, width) }

  package func enter() async {
    if free > 0 {
      free -= 1
    } else {
      await withCheckedContinuation { waiting.append($0) }
    }
  }

  package func leave() {
    if waiting.isEmpty {
      free += 1
    } else {
      waiting.removeFirst().resume()
    }
  }
}

/// Which sub-tests of which file are to run. Filled before any of them starts, by what the test runner makes of
/// every test that is left after filtering: `prepare(for:)` in Swift Testing, `init(name:testClosure:)` in XCTest.
package final class PreparedTests: Sendable {
  package static let shared = PreparedTests()
  private let parts = Mutex<[String: Set<ScriptRun.Part>]>([:])

  package func add(_ part: ScriptRun.Part, of file: String) {
    parts.withLock { _ = $0[file, default: []].insert(part) }
  }
  package func selected(in file: String) -> Set<ScriptRun.Part> { parts.withLock { $0[file] ?? [] } }
}
