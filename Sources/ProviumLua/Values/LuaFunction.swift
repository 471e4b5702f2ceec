import Synchronization

/// A function of a state: Lua's, kept alive by this handle, or one of ours on its way into Lua.
///
/// Belongs to one state and its thread. Releasing the last handle is safe anywhere: the state collects what was
/// released the next time it is entered.
package final class LuaFunction {
  enum Target {
    case reference(Int64, LuaReferences)
    case native(Int64)
  }
  let target: Target
  /// Which state it belongs to.
  let owner: ObjectIdentifier

  init(target: Target, owner: ObjectIdentifier) {
    self.target = target
    self.owner = owner
  }

  deinit {
    if case .reference(let number, let references) = target { references.release(number) }
  }
}

/// References that nobody holds any more, until the state's own thread gives them back to Lua.
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
