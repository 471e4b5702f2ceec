internal import CLuaBridge

/// A place in a script: the path as messages show it, and a line from 1.
package struct LuaLocation: Sendable, Hashable, CustomStringConvertible {
  package let file: String
  package let line: Int

  package init(file: String, line: Int) {
    self.file = file
    self.line = line
  }

  init?(runningIn L: OpaquePointer) {
    var file: UnsafePointer<CChar>?
    var length = 0
    var line: Int32 = 0
    guard clb_where(L, &file, &length, &line) else { return nil }
    self.file = String(decoding: UnsafeRawBufferPointer(start: file, count: length), as: UTF8.self)
    self.line = Int(line)
  }

  package var description: String { "\(file):\(line)" }
}

/// How a piece of Lua came to fail.
package struct LuaFailure: Error, CustomStringConvertible {
  package enum Kind: Sendable, Hashable {
    /// The script raised, or something it called did: `payload` tells which.
    case raised
    /// The source does not parse.
    case syntax
    /// The memory limit was reached.
    case memory
    /// A deadline passed. `own`: the one given to this very call, not one around it.
    case deadline(own: Bool)
    /// `LuaInterrupt` was raised.
    case interrupted
    /// The state is closed.
    case closed
  }
  package var kind: Kind
  /// Without the location in front.
  package var message: String
  /// The script's own line.
  package var location: LuaLocation?
  /// The script's own frames, innermost first: `tests/a.lua:3: in function 'helper'`.
  package var traceback: [String] = []
  /// What Swift threw, if the failure began there: also after the script caught the error and raised it again.
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
