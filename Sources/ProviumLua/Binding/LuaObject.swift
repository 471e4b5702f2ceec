/// A Swift object inside a Lua value.
package struct LuaObject {
  package let instance: AnyObject
  let type: any LuaObjectTypeDescription
}
