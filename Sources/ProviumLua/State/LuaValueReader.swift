internal import CLuaBridge

/// Reads the bridge's values. Copies everything at once: the memory is Lua's and is valid only during the
/// call.
struct LuaValueReader {
  private let handles: LuaHandles
  private var next: UnsafePointer<clb_value>?
  /// Why a value could not be copied. That value is read as `opaque`.
  private(set) var problem: String?

  init(handles: LuaHandles, at first: UnsafePointer<clb_value>?) {
    self.handles = handles
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
    case CLB_FUNCTION: return .function(handles.function(reference: value.integer))
    case CLB_OBJECT: return handles.objects[value.integer].map(LuaValue.object) ?? .opaque("released object")
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
