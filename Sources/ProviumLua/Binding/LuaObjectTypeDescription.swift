/// What a `LuaState` needs to know about an object type, whatever its instances are.
protocol LuaObjectTypeDescription: AnyObject {
  var name: String { get }
  /// The name, the methods, and the functions for an unknown member, an assignment and `tostring`, as the bridge takes them.
  func definition(in state: LuaState) -> [LuaValue]
}
