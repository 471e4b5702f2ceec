import ProviumSystem

/// A payload that does not have the layout of its message type. The caller, which knows type and sender,
/// makes a `ProtocolViolation` of it.
struct MalformedPayload: Error {}

/// Decodes a payload from its beginning to its end. A guest is hostile: each length is checked against the
/// bytes that are there before it is used.
struct MessageReader {
  private(set) var rest: UnsafeRawBufferPointer

  init(_ payload: UnsafeRawBufferPointer) { rest = payload }

  mutating func integer<Value: FixedWidthInteger>(_ type: Value.Type = Value.self) throws -> Value {
    guard let value = ByteReader(rest).integer(at: 0, as: type) else { throw MalformedPayload() }
    rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(MemoryLayout<Value>.size))
    return value
  }

  mutating func bytes(_ count: Int) throws -> UnsafeRawBufferPointer {
    guard count >= 0, count <= rest.count else { throw MalformedPayload() }
    let taken = UnsafeRawBufferPointer(rebasing: rest.prefix(count))
    rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
    return taken
  }

  mutating func array(_ count: Int) throws -> [UInt8] { [UInt8](copying: try bytes(count)) }

  /// Reads `length u32, bytes`.
  mutating func counted() throws -> [UInt8] { try array(Int(integer(UInt32.self))) }

  /// Reads a list: `count u32`, then the entries, of at least `size` bytes each. A count that the payload
  /// cannot hold fails before memory is reserved.
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

  /// Fails when bytes are left.
  func finish() throws {
    guard rest.isEmpty else { throw MalformedPayload() }
  }
}
