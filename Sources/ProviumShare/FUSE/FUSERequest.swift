/// A request of a guest's kernel: `struct fuse_in_header` and the operation's own bytes. The bytes may come from a hostile guest.
package struct FUSERequest {
  package let operation: UInt32
  package let unique: UInt64
  let node: UInt64
  let body: UnsafeRawBufferPointer

  /// Bytes of the header.
  package static let headerSize = 40
  /// The longest request that a read-only file system gets: a header and two names, or a batch of FORGETs.
  package static let maxSize = 60 << 10

  /// Returns nil for bytes that are not exactly one request.
  package init?(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count >= Self.headerSize, bytes.count <= Self.maxSize,
      Int(bytes.loadUnaligned(as: UInt32.self)) == bytes.count
    else { return nil }
    operation = bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
    unique = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
    node = bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
    body = UnsafeRawBufferPointer(rebasing: bytes[Self.headerSize...])
  }

  /// An integer of the body; nil beyond its end.
  func integer<Integer: FixedWidthInteger>(_ type: Integer.Type, at offset: Int) -> Integer? {
    guard offset >= 0, offset + MemoryLayout<Integer>.size <= body.count else { return nil }
    return body.loadUnaligned(fromByteOffset: offset, as: type)
  }

  /// A text that ends with a zero, from an offset of the body on; nil if it has none.
  func text(at offset: Int = 0) -> [UInt8]? {
    guard offset <= body.count, let end = body[offset...].firstIndex(of: 0) else { return nil }
    return Array(body[offset..<end])
  }

  /// One component of a path: no `/`, not `.`, not `..`, 1 to 255 bytes; nil for anything else.
  func name() -> [UInt8]? {
    guard let name = text(), (1...255).contains(name.count), !name.contains(UInt8(ascii: "/")),
      name != [UInt8(ascii: ".")], name != Array("..".utf8)
    else { return nil }
    return name
  }
}
