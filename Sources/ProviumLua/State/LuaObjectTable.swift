/// Which of our objects Lua holds, by number. An object stays alive while any userdata, or any value on its way into
/// Lua, still owes its release.
struct LuaObjectTable {
  private struct Entry {
    let object: LuaObject
    var owed: Int
  }
  private var entries: [Int64: Entry] = [:]
  private var numbers: [ObjectIdentifier: Int64] = [:]
  private var kept: [Int64: LuaFunction] = [:]
  private var released: [AnyObject] = []
  private var next: Int64 = 1

  subscript(number: Int64) -> LuaObject? { entries[number]?.object }

  /// How many objects Lua holds.
  var count: Int { entries.count }

  /// The object's number: the same as long as Lua knows the object. Each handing over owes one release.
  mutating func handOver(_ object: LuaObject) -> Int64 {
    let identity = ObjectIdentifier(object.instance)
    if let number = numbers[identity] {
      entries[number]?.owed += 1
      return number
    }
    defer { next += 1 }
    numbers[identity] = next
    entries[next] = Entry(object: object, owed: 1)
    return next
  }

  /// Keeps a function alive while its reference is on its way into Lua.
  mutating func keep(_ function: LuaFunction) -> Int64 {
    defer { next += 1 }
    kept[next] = function
    return next
  }

  /// One release. Runs inside Lua's collector, so what is no longer owed is only set aside: its `deinit` may do
  /// anything, also call Lua.
  mutating func release(_ number: Int64) {
    if let function = kept.removeValue(forKey: number) {
      released.append(function)
    } else if let entry = entries[number] {
      if entry.owed > 1 {
        entries[number]?.owed -= 1
      } else {
        entries[number] = nil
        numbers[ObjectIdentifier(entry.object.instance)] = nil
        released.append(entry.object.instance)
      }
    }
  }

  /// What was released since the last time, for the caller to let go of outside of Lua's collector and of this table.
  mutating func takeReleased() -> [AnyObject] {
    defer { released.removeAll() }
    return released
  }
}
