/// Source that is not Lua, and its line.
package struct LuaSyntaxError: Error, Sendable, Equatable, CustomStringConvertible {
  package let line: Int
  package let message: String
  package var description: String { "line \(line): \(message)" }
}
