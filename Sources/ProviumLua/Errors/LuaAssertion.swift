/// A failed assertion of a script.
package struct LuaAssertion: Error, Sendable, Hashable, CustomStringConvertible {
  package let message: String
  /// Whether the script sees the message with its place in front. Plain `assert` leaves the message as it is,
  /// as Lua does.
  package let isPositioned: Bool

  package init(_ message: String, isPositioned: Bool = true) {
    self.message = message
    self.isPositioned = isPositioned
  }
  package var description: String { message }
}
