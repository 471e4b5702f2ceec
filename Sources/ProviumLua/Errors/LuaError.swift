/// The script used a function of ours wrongly. The message names the function, the argument, what was given and what
/// is accepted.
package enum LuaError: Error, Sendable, Hashable, CustomStringConvertible {
  case misuse(String)

  package var description: String {
    switch self {
    case .misuse(let message): message
    }
  }
}

/// A misuse that is found where nobody knows which function was called: the border puts its name in front.
package struct UnnamedMisuse: Error, Sendable, Hashable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}

/// An assertion of the script did not hold.
package struct LuaAssertion: Error, Sendable, Hashable, CustomStringConvertible {
  package let message: String
  /// Whether the script sees the message with its place in front; plain `assert` leaves it as it is, as in Lua.
  package let isPositioned: Bool

  package init(_ message: String, isPositioned: Bool = true) {
    self.message = message
    self.isPositioned = isPositioned
  }
  package var description: String { message }
}

/// What a script raises to end early, and which is no failure: a skip, a todo. Raised as an object instead of a
/// string, so that no message can be mistaken for it; `assert_error` lets it pass.
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
