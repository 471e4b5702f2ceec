/// Reads integers at given offsets of a file header or a message. Every read is checked against the bytes
/// that are there.
package struct ByteReader {
  package enum Order: Sendable { case littleEndian, bigEndian }

  private let bytes: UnsafeRawBufferPointer

  /// - Parameter bytes: must stay valid while the reader is used.
  package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// Returns the integer at `offset`; nil when it would reach beyond the bytes. The offset needs no
  /// alignment.
  package func integer<Value: FixedWidthInteger>(
    at offset: Int,
    as type: Value.Type = Value.self,
    _ order: Order = .littleEndian
  ) -> Value? {
    let size = MemoryLayout<Value>.size
    guard offset >= 0, bytes.count >= size, offset <= bytes.count - size else { return nil }
    let value = bytes.loadUnaligned(fromByteOffset: offset, as: Value.self)
    return order == .littleEndian ? Value(littleEndian: value) : Value(bigEndian: value)
  }
}

extension [UInt8] {
  /// Returns the integer at `offset`; nil when it would reach beyond the array. The offset needs no
  /// alignment.
  package func integer<Value: FixedWidthInteger>(
    at offset: Int,
    as type: Value.Type = Value.self,
    _ order: ByteReader.Order = .littleEndian
  ) -> Value? {
    withUnsafeBytes { ByteReader($0).integer(at: offset, as: type, order) }
  }
}
