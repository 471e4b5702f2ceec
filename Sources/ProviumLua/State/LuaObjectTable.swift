/// The Swift objects that Lua holds, by number. An object stays alive until every userdata, and every value
/// on its way into Lua, has released it.
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

  /// The number of objects that Lua holds.
  var count: Int { entries.count }

  /// Retains the object for Lua and returns its number, which is the same as long as Lua holds the object.
  /// Each call is answered by one release.
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

  /// Counts one release. Runs inside Lua's collector, so an object that nothing holds any more is only put
  /// aside: its `deinit` may call Lua.
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

  /// Returns the objects that were released since the last call. The caller drops them outside of Lua's
  /// collector and of accesses to this table.
  mutating func takeReleased() -> [AnyObject] {
    defer { released.removeAll() }
    return released
  }
}
