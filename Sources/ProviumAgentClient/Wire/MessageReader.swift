/// A payload that does not have the layout its type promises. Whoever knows type and length says so.
struct MalformedPayload: Error {}

/// Takes a payload apart. What a guest sends is hostile: each length is compared with what is there before use.
struct MessageReader {
  private(set) var rest: UnsafeRawBufferPointer

  init(_ payload: UnsafeRawBufferPointer) { rest = payload }

  mutating func integer<Value: FixedWidthInteger>(_ type: Value.Type = Value.self) throws -> Value {
    let size = MemoryLayout<Value>.size
    guard rest.count >= size else { throw MalformedPayload() }
    let value = rest.loadUnaligned(as: Value.self)
    rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(size))
    return Value(littleEndian: value)
  }

  mutating func bytes(_ count: Int) throws -> UnsafeRawBufferPointer {
    guard count >= 0, count <= rest.count else { throw MalformedPayload() }
    let taken = UnsafeRawBufferPointer(rebasing: rest.prefix(count))
    rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
    return taken
  }

  mutating func array(_ count: Int) throws -> [UInt8] { [UInt8](copying: try bytes(count)) }

  /// `length u32, bytes`.
  mutating func counted() throws -> [UInt8] { try array(Int(integer(UInt32.self))) }

  /// A list of `count u32` entries of at least `size` bytes each: a count that cannot be true fails at once.
  mutating func list<Element>(entrySize size: Int, _ entry: (inout MessageReader) throws -> Element) throws
    -> [Element]
  {
    let count = Int(try integer(UInt32.self))
    guard count <= rest.count / size else { throw MalformedPayload() }
    var elements: [Element] = []
    elements.reserveCapacity(count)
    for _ in 0..<count { elements.append(try entry(&self)) }
    return elements
  }

  mutating func remainder() -> [UInt8] {
    defer { rest = UnsafeRawBufferPointer(start: nil, count: 0) }
    return [UInt8](copying: rest)
  }

  /// Bytes behind what was expected are a mistake too.
  func finish() throws {
    guard rest.isEmpty else { throw MalformedPayload() }
  }
}
