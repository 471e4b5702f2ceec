/// The failure of a piece of Lua.
package struct LuaFailure: Error, CustomStringConvertible {
  package enum Kind: Sendable, Hashable {
    /// The script raised an error, or a function that it called did: `payload` tells which.
    case raised
    /// The source does not parse.
    case syntax
    /// The memory limit was reached.
    case memory
    /// A deadline passed. `own`: the one given to this very call, not an outer one.
    case deadline(own: Bool)
    /// `LuaInterrupt` was raised.
    case interrupted
    /// The state is closed.
    case closed
  }
  package var kind: Kind
  /// The message without its place.
  package var message: String
  /// The script's own line.
  package var location: LuaLocation?
  /// The script's own frames, innermost first: `tests/a.lua:3: in function 'helper'`.
  package var traceback: [String] = []
  /// The Swift error that began the failure, if there is one: also after the script caught the error and
  /// raised it again.
  package var payload: (any Error)?

  package init(kind: Kind, message: String, location: LuaLocation? = nil, payload: (any Error)? = nil) {
    self.kind = kind
    self.message = message
    self.location = location
    self.payload = payload
  }

  /// `tests/token.lua:14: expected "0", got "-13"`.
  package var description: String { location.map { "\($0): \(message)" } ?? message }

  static let closed = LuaFailure(kind: .closed, message: "the Lua state is closed")
  static let outOfMemory = LuaFailure(kind: .memory, message: "not enough memory")
}
