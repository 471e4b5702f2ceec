/// One token of Lua source, and where it begins.
struct LuaToken: Equatable {
  enum Kind: Equatable {
    case name(String)
    case keyword(String)
    /// The string's value, escapes resolved.
    case string([UInt8])
    /// As written.
    case number(String)
    /// An operator or a bracket.
    case symbol(String)
    case end
  }
  let kind: Kind
  /// From 1.
  let line: Int
  /// In bytes, from 1.
  let column: Int

  func isSymbol(_ text: String) -> Bool { kind == .symbol(text) }
  func isKeyword(_ text: String) -> Bool { kind == .keyword(text) }
  func isName(_ text: String) -> Bool { kind == .name(text) }

  /// A name by which scripts load others.
  var loads: Bool {
    if case .name(let name) = kind { ["dofile", "loadfile", "require"].contains(name) } else { false }
  }
}

/// What is no Lua, and where.
package struct LuaSyntaxError: Error, Sendable, Equatable, CustomStringConvertible {
  package let line: Int
  package let message: String
  package var description: String { "line \(line): \(message)" }
}
