import Synchronization

/// The references of dropped handles, until the state's own thread gives them back to Lua. Thread-safe.
final class LuaReferences: Sendable {
  private let released = Mutex<[Int64]>([])

  func release(_ reference: Int64) { released.withLock { $0.append(reference) } }

  func takeReleased() -> [Int64] {
    released.withLock { numbers in
      defer { numbers.removeAll() }
      return numbers
    }
  }
}
