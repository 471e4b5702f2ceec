/// A wrong use that is found by code that does not know which function the script called. `LuaObjectType`
/// puts the function's name in front.
package struct UnnamedMisuse: Error, Sendable, Hashable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}
