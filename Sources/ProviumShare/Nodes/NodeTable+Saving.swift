extension NodeTable {
  /// Bytes that are not a saved table.
  package struct Damaged: Error, CustomStringConvertible {
    package var description: String { "the saved table of a shared folder is damaged" }
  }

  /// "PVNODES1", little-endian.
  private static let magic: UInt64 = 0x3153_4544_4F4E_5650

  /// The table as bytes: magic, next, features (0xFFFFFFFF: none), count, then the nodes. Integers are little-endian.
  package var saved: [UInt8] {
    var bytes: [UInt8] = []
    func add<Integer: FixedWidthInteger>(_ value: Integer) {
      withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
    add(Self.magic)
    add(next)
    add(features ?? .max)
    add(UInt64(nodes.count))
    for (number, node) in nodes.sorted(by: { $0.key < $1.key }) {
      add(number)
      add(node.parent)
      add(node.lookups)
      add(node.facts.device)
      add(node.facts.inode)
      add(node.facts.size)
      add(node.facts.modified)
      let isCurrent = places[Place(parent: node.parent, name: node.name)] == number
      add(
        UInt8(
          (node.isRead ? 1 : 0) | (node.isWithheld ? 2 : 0) | (node.isFresh ? 4 : 0) | (isCurrent ? 8 : 0)
            | (node.isAhead ? 16 : 0)
        )
      )
      add(UInt16(node.name.count))
      bytes.append(contentsOf: node.name)
    }
    return bytes
  }

  /// Reads a table that was saved.
  package init(saved bytes: [UInt8]) throws(Damaged) {
    var offset = 0
    func take<Integer: FixedWidthInteger>(_ type: Integer.Type) throws(Damaged) -> Integer {
      let size = MemoryLayout<Integer>.size
      guard offset + size <= bytes.count else { throw Damaged() }
      defer { offset += size }
      return Integer(
        littleEndian: bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: type) }
      )
    }
    self.init()
    guard try take(UInt64.self) == Self.magic else { throw Damaged() }
    next = try take(UInt64.self)
    let features = try take(UInt32.self)
    self.features = features == .max ? nil : features
    for _ in 0..<(try take(UInt64.self)) {
      let number = try take(UInt64.self)
      var node = Node(
        parent: try take(UInt64.self),
        name: [],
        lookups: try take(UInt64.self),
        facts: NodeFacts(
          device: try take(UInt64.self),
          inode: try take(UInt64.self),
          size: try take(Int64.self),
          modified: try take(Int64.self)
        )
      )
      let flags = try take(UInt8.self)
      (node.isRead, node.isWithheld, node.isFresh) = (flags & 1 != 0, flags & 2 != 0, flags & 4 != 0)
      node.isAhead = flags & 16 != 0
      let length = Int(try take(UInt16.self))
      guard offset + length <= bytes.count, number < next, nodes[number] == nil else { throw Damaged() }
      node.name = Array(bytes[offset..<offset + length])
      offset += length
      nodes[number] = node
      if flags & 8 != 0 { places[Place(parent: node.parent, name: node.name)] = number }
    }
    guard offset == bytes.count else { throw Damaged() }
    for (number, node) in nodes where number != Self.root {
      // A parent is older than its children, so there are no cycles.
      guard node.parent < number, nodes[node.parent] != nil else { throw Damaged() }
      nodes[node.parent]?.children += 1
    }
  }
}
