/// One token of Lua source with its place.
struct LuaToken: Equatable {
  enum Kind: Equatable {
    case name(String)
    case keyword(String)
    /// A string's value, with its escapes resolved.
    case string([UInt8])
    /// A number as written.
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

  /// Whether it is the name of a function that loads another script.
  var loads: Bool {
    if case .name(let name) = kind { ["dofile", "loadfile", "require"].contains(name) } else { false }
  }
}
