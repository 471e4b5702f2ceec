import Synchronization

/// Admits as many scripts at a time as the runtime runs files, without blocking a cooperative thread.
actor Admission {
  private var free: Int
  private var waiting: [CheckedContinuation<Void, Never>] = []

  init(width: Int) { free = max(1, width) }

  func enter() async {
    if free > 0 {
      free -= 1
    } else {
      await withCheckedContinuation { waiting.append($0) }
    }
  }

  func leave() {
    if waiting.isEmpty {
      free += 1
    } else {
      waiting.removeFirst().resume()
    }
  }
}

/// Which sub-tests of which file are to run. Filled by `prepare(for:)`, which swift-testing calls for every test that is
/// left after filtering, before any of them starts.
final class PreparedTests: Sendable {
  static let shared = PreparedTests()
  private let parts = Mutex<[String: Set<ScriptRun.Part>]>([:])

  func add(_ part: ScriptRun.Part, of file: String) {
    parts.withLock { _ = $0[file, default: []].insert(part) }
  }
  func selected(in file: String) -> Set<ScriptRun.Part> { parts.withLock { $0[file] ?? [] } }
}
