import ProviumLua
import ProviumRuntime

/// The Lua types of the objects that one script holds, by Swift type.
final class ObjectTypes {
  private var types: [ObjectIdentifier: AnyObject] = [:]
  /// The names of the methods and members of each type, by the type's name.
  private(set) var inventory: [String: [String]] = [:]

  /// Adds a type and defines it in the script's state.
  func add<Instance>(_ type: LuaObjectType<Instance>, in state: LuaState) throws {
    try state.define(type)
    types[ObjectIdentifier(Instance.self)] = type
    inventory[type.name] = type.names
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
