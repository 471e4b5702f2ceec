internal import CLinux

/// Looks for bytes among bytes.
package enum ByteSearch {
  /// The offset of the first occurrence.
  package static func find(_ needle: UnsafeRawBufferPointer, in bytes: UnsafeRawBufferPointer) -> Int? {
    let offset = clinux_find(bytes.baseAddress, bytes.count, needle.baseAddress, needle.count)
    return offset < 0 ? nil : offset
  }
}
