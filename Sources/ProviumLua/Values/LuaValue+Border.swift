internal import CLuaBridge

/// Reads values that came out of Lua. Everything is copied at once: the memory is Lua's and lasts as long as the call.
struct LuaValueReader {
  let host: LuaHost
  private var next: UnsafePointer<clb_value>?
  /// Why some value could not be copied; the value itself then reads as opaque.
  private(set) var problem: String?

  init(host: LuaHost, at first: UnsafePointer<clb_value>?) {
    self.host = host
    next = first
  }

  mutating func read(_ count: Int) -> [LuaValue] { (0..<count).map { _ in read() } }

  mutating func read() -> LuaValue {
    guard let value = next?.pointee else { return .nil }
    next = next?.advanced(by: 1)
    switch value.kind {
    case CLB_BOOLEAN: return .boolean(value.integer != 0)
    case CLB_INTEGER: return .integer(value.integer)
    case CLB_NUMBER: return .number(value.number)
    case CLB_STRING: return .string(bytes(of: value))
    case CLB_TABLE: return .table(readTable(value))
    case CLB_FUNCTION: return .function(host.function(reference: value.integer))
    case CLB_OBJECT: return host.objects[value.integer].map(LuaValue.object) ?? .opaque("released object")
    case CLB_NULL: return .null
    case CLB_OPAQUE: return .opaque(String(decoding: bytes(of: value), as: UTF8.self))
    case CLB_CYCLE:
      problem = "a table that contains itself"
      return .opaque("cyclic table")
    case CLB_TOO_DEEP:
      problem = "a table nested more than \(CLB_MAX_DEPTH) levels deep"
      return .opaque("deep table")
    default: return .nil
    }
  }

  private mutating func readTable(_ header: clb_value) -> LuaTable {
    var table = LuaTable(array: read(header.length))
    table.pairs.reserveCapacity(header.pairs)
    for _ in 0..<header.pairs {
      let key = read()
      table.pairs.append(LuaTable.Pair(key: key, value: read()))
    }
    return table
  }

  private func bytes(of value: clb_value) -> [UInt8] {
    Array(UnsafeRawBufferPointer(start: value.bytes, count: value.length))
  }
}

extension clb_tree {
  mutating func add(_ values: [LuaValue], host: LuaHost) throws(LuaFailure) {
    for value in values { try add(value, host: host) }
  }

  mutating func add(_ value: LuaValue, host: LuaHost) throws(LuaFailure) {
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
    case .table(let table): return try addTable(table, host: host)
    case .function(let function): plain = try host.outgoing(function)
    case .object(let object): plain = try host.outgoing(object)
    }
    clb_tree_add(&self, &plain)
  }

  /// An error to raise. `number` is the one that the object table gave it.
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

  private mutating func addTable(_ table: LuaTable, host: LuaHost) throws(LuaFailure) {
    let pairs = table.pairs.filter { !$0.key.isNil }
    var plain = clb_value()
    plain.kind = CLB_TABLE
    plain.length = table.array.count
    plain.pairs = pairs.count
    clb_tree_add(&self, &plain)
    try add(table.array, host: host)
    for pair in pairs {
      try add(pair.key, host: host)
      try add(pair.value, host: host)
    }
  }
}
