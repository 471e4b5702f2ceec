import ProviumLua
import ProviumRuntime

/// The Lua types of the objects that one script holds, by Swift type.
final class ObjectTypes {
  private var types: [ObjectIdentifier: AnyObject] = [:]

  /// Adds a type and defines it in the script's state.
  func add<Instance>(_ type: LuaObjectType<Instance>, in state: LuaState) throws {
    try state.define(type)
    types[ObjectIdentifier(Instance.self)] = type
  }

  /// - Throws: an infrastructure error for a type that was not added.
  func type<Instance>(of _: Instance.Type) throws -> LuaObjectType<Instance> {
    guard let type = types[ObjectIdentifier(Instance.self)] as? LuaObjectType<Instance> else {
      throw ProviumError(.infrastructure, "Provium is broken: scripts know no type \(Instance.self)")
    }
    return type
  }

  /// The object as a value for Lua.
  func value<Instance: AnyObject>(_ instance: Instance) throws -> LuaValue {
    try type(of: Instance.self).value(instance)
  }
}
