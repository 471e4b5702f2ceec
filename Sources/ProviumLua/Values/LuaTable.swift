/// A copy of a Lua table: the elements 1…n, then the other entries in the order of Lua's `next`.
package struct LuaTable: Equatable {
  package struct Pair: Equatable {
    package var key: LuaValue
    package var value: LuaValue

    package init(key: LuaValue, value: LuaValue) {
      self.key = key
      self.value = value
    }
  }
  package var array: [LuaValue]
  package var pairs: [Pair]

  package init(array: [LuaValue] = [], pairs: [Pair] = []) {
    self.array = array
    self.pairs = pairs
  }

  /// The value of a string key; `nil` if there is none.
  package subscript(key: String) -> LuaValue {
    get { pairs.first { $0.key == .text(key) }?.value ?? .nil }
    set {
      pairs.removeAll { $0.key == .text(key) }
      if !newValue.isNil { pairs.append(Pair(key: .text(key), value: newValue)) }
    }
  }

  package var isEmpty: Bool { array.isEmpty && pairs.isEmpty }

  /// Every entry with its key, the elements 1…n first.
  package var entries: [Pair] {
    array.enumerated().map { Pair(key: .integer(Int64($0.offset) + 1), value: $0.element) } + pairs
  }

  package static func == (left: LuaTable, right: LuaTable) -> Bool {
    guard left.array == right.array, left.pairs.count == right.pairs.count else { return false }
    return left.pairs.allSatisfy { pair in right.pairs.contains(pair) }
  }
}
