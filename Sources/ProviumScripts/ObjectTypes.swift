import ProviumLua
import ProviumRuntime

/// The Lua types of the objects that one script holds, by Swift type. A type is made and defined when the first object of it
/// reaches the script: most scripts use few of them.
final class ObjectTypes {
  private struct Entry {
    let make: () -> any NamedObjectType
    var made: (any NamedObjectType)?
    var isDefined = false
  }

  private var entries: [ObjectIdentifier: Entry] = [:]
  /// Weak, since the state's functions retain the context that owns this object.
  private weak var state: LuaState?

  /// Sets the state that types are defined in.
  func install(in state: LuaState) { self.state = state }

  /// Adds a type.
  /// - Parameter make: must not retain the script's context, which owns this object.
  func add<Instance>(_ make: @escaping () -> LuaObjectType<Instance>) {
    entries[ObjectIdentifier(Instance.self)] = Entry(make: make)
  }

  /// - Throws: an infrastructure error for a type that was not added.
  func type<Instance>(of _: Instance.Type) throws -> LuaObjectType<Instance> {
    guard let type = made(ObjectIdentifier(Instance.self)) as? LuaObjectType<Instance> else {
      throw ProviumError(.infrastructure, "Provium is broken: scripts know no type \(Instance.self)")
    }
    return type
  }

  /// The object as a value for Lua.
  func value<Instance: AnyObject>(_ instance: Instance) throws -> LuaValue {
    let type = try type(of: Instance.self)
    let identifier = ObjectIdentifier(Instance.self)
    if entries[identifier]?.isDefined == false, let state {
      try state.define(type)
      entries[identifier]?.isDefined = true
    }
    return type.value(instance)
  }

  /// The names of the methods and members of each type, by the type's name.
  var inventory: [String: [String]] {
    let types = entries.keys.compactMap(made)
    return Dictionary(uniqueKeysWithValues: types.map { ($0.name, $0.names) })
  }

  private func made(_ identifier: ObjectIdentifier) -> (any NamedObjectType)? {
    if let made = entries[identifier]?.made { return made }
    let made = entries[identifier]?.make()
    entries[identifier]?.made = made
    return made
  }
}

private protocol NamedObjectType {
  var name: String { get }
  var names: [String] { get }
}

extension LuaObjectType: NamedObjectType {}
