internal import CLuaBridge

extension clb_tree {
  mutating func add(_ values: [LuaValue], handles: LuaHandles) throws(LuaFailure) {
    for value in values { try add(value, handles: handles) }
  }

  mutating func add(_ value: LuaValue, handles: LuaHandles) throws(LuaFailure) {
    var plain = clb_value()
    switch value {
    case .nil, .opaque: plain.kind = CLB_NIL
    case .null: plain.kind = CLB_NULL
    case .boolean(let flag):
      plain.kind = CLB_BOOLEAN
      plain.integer = flag ? 1 : 0
    case .integer(let integer):
      plain.kind = CLB_INTEGER
      plain.integer = integer
    case .number(let number):
      plain.kind = CLB_NUMBER
      plain.number = number
    case .string(let bytes): return addString(bytes)
    case .table(let table): return try addTable(table, handles: handles)
    case .function(let function): plain = try handles.outgoing(function)
    case .object(let object): plain = try handles.outgoing(object)
    }
    clb_tree_add(&self, &plain)
  }

  /// Adds an error to raise. `number`: its number in the object table.
  mutating func add(_ error: RaisedError, number: Int64) {
    var plain = clb_value()
    plain.kind = CLB_RAISED
    plain.integer = number
    plain.is_placed = error.isPlaced
    add(Array(error.text.utf8), as: plain)
  }

  private mutating func addString(_ bytes: [UInt8]) {
    var plain = clb_value()
    plain.kind = CLB_STRING
    add(bytes, as: plain)
  }

  private mutating func add(_ bytes: [UInt8], as value: clb_value) {
    bytes.withUnsafeBytes { buffer in
      var plain = value
      plain.bytes = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
      plain.length = buffer.count
      clb_tree_add(&self, &plain)
    }
  }

  private mutating func addTable(_ table: LuaTable, handles: LuaHandles) throws(LuaFailure) {
    let pairs = table.pairs.filter { !$0.key.isNil }
    var plain = clb_value()
    plain.kind = CLB_TABLE
    plain.length = table.array.count
    plain.pairs = pairs.count
    clb_tree_add(&self, &plain)
    try add(table.array, handles: handles)
    for pair in pairs {
      try add(pair.key, handles: handles)
      try add(pair.value, handles: handles)
    }
  }
}
