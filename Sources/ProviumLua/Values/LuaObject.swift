/// A Swift object inside a Lua value.
package struct LuaObject {
  package let instance: AnyObject
  let kind: LuaObjectKind

  /// The name of the object's type in scripts and messages.
  package var typeName: String { kind.name }
}

/// The identity of a type of objects that scripts hold. `LuaObjectType` says what scripts can do with such
/// objects.
final class LuaObjectKind {
  /// The type's name in scripts and messages.
  let name: String

  init(name: String) { self.name = name }
}
