/// A function of a state: a Lua function, which this handle keeps alive, or a Swift one on its way into Lua.
///
/// Belongs to one state and its thread. The last handle may be dropped on any thread: the state gives the
/// reference back the next time it is entered.
package final class LuaFunction {
  enum Target {
    case reference(Int64, LuaReferences)
    case native(Int64)
  }
  let target: Target
  /// The state that it belongs to.
  let owner: ObjectIdentifier

  init(target: Target, owner: ObjectIdentifier) {
    self.target = target
    self.owner = owner
  }

  deinit {
    if case .reference(let number, let references) = target { references.release(number) }
  }
}
