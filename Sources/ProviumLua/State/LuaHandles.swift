internal import CLuaBridge

/// The functions and objects of either side that the other side holds, by number. Belongs to one state.
final class LuaHandles {
  var objects = LuaObjectTable()
  let references = LuaReferences()
  private var types: [ObjectIdentifier: Int32] = [:]

  /// The function of Lua with this reference.
  func function(reference: Int64) -> LuaFunction {
    LuaFunction(target: .reference(reference, references), owner: ObjectIdentifier(self))
  }

  /// The function of ours with this number.
  func function(native: Int64) -> LuaFunction {
    LuaFunction(target: .native(native), owner: ObjectIdentifier(self))
  }

  /// Returns a number for a type that is to be defined in the state; nil if it has one.
  func add(_ kind: LuaObjectKind) -> Int32? {
    guard types[ObjectIdentifier(kind)] == nil else { return nil }
    let number = Int32(types.count + 1)
    types[ObjectIdentifier(kind)] = number
    return number
  }

  /// Forgets a type whose definition failed.
  func remove(_ kind: LuaObjectKind) { types[ObjectIdentifier(kind)] = nil }

  /// Drops the objects that Lua no longer holds. Their `deinit` may enter Lua again.
  func dropReleased() {
    let released = objects.takeReleased()
    withExtendedLifetime(released) {}
  }

  // MARK: Values on their way into Lua

  func outgoing(_ function: LuaFunction) throws(LuaFailure) -> clb_value {
    guard function.owner == ObjectIdentifier(self) else {
      throw LuaFailure(kind: .raised, message: "a function of another Lua state cannot be used here")
    }
    var value = clb_value()
    switch function.target {
    case .native(let number):
      value.kind = CLB_NATIVE
      value.integer = number
    case .reference(let number, _):
      value.kind = CLB_FUNCTION
      value.integer = number
      value.length = Int(objects.keep(function))
    }
    return value
  }

  func outgoing(_ object: LuaObject) throws(LuaFailure) -> clb_value {
    guard let number = types[ObjectIdentifier(object.kind)] else {
      throw LuaFailure(
        kind: .raised,
        message: "the type '\(object.kind.name)' is not defined in this Lua state"
      )
    }
    var value = clb_value()
    value.kind = CLB_OBJECT
    value.type = number
    value.integer = objects.handOver(object)
    return value
  }
}
