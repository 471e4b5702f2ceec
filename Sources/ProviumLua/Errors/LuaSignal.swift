/// A signal that a script raises to end early without a failure: a skip or a todo.
///
/// Scripts see an object, not a string, so that no message can be mistaken for a signal. `assert_error` lets
/// signals pass. `LuaState.signalCaught` finds a signal that a `pcall` caught.
package protocol LuaSignal: Error, CustomStringConvertible {}

/// A signal on its way through Lua.
final class RaisedSignal {
  let signal: any LuaSignal
  let location: LuaLocation?

  init(_ signal: any LuaSignal, at location: LuaLocation?) {
    self.signal = signal
    self.location = location
  }
}

extension LuaFailure {
  init(_ raised: RaisedSignal) {
    self.init(
      kind: .raised,
      message: "\(raised.signal)",
      location: raised.location,
      payload: raised.signal
    )
  }
}
