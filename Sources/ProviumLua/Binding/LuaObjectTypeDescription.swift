/// The description of an object type that a `LuaState` needs, independent of the type of its instances.
protocol LuaObjectTypeDescription: AnyObject {
  var name: String { get }
  /// The name, the methods, and the functions for an unknown member, an assignment and `tostring`, as the bridge takes them.
  func definition(in state: LuaState) -> [LuaValue]
}
