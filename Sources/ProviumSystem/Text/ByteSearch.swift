internal import CLinux

/// Search for a byte sequence in other bytes.
package enum ByteSearch {
  /// Returns the offset of the first occurrence; nil when there is none.
  package static func find(_ needle: UnsafeRawBufferPointer, in bytes: UnsafeRawBufferPointer) -> Int? {
    let offset = clinux_find(bytes.baseAddress, bytes.count, needle.baseAddress, needle.count)
    return offset < 0 ? nil : offset
  }
}
