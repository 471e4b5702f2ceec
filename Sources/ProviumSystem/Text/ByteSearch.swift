internal import CLinux

/// Search for a byte sequence in other bytes.
package enum ByteSearch {
  /// Returns the offset of the first occurrence; nil when there is none.
  package static func find(_ needle: UnsafeRawBufferPointer, in bytes: UnsafeRawBufferPointer) -> Int? {
    let offset = clinux_find(bytes.baseAddress, bytes.count, needle.baseAddress, needle.count)
    return offset < 0 ? nil : offset
  }
}

extension [UInt8] {
  /// Returns the index where `mark` begins, at or after `start`.
  package func firstRange(of mark: [UInt8], from start: Int) -> Int? {
    guard start < count else { return nil }
    return withUnsafeBytes { bytes in
      mark.withUnsafeBytes { mark in
        ByteSearch.find(mark, in: UnsafeRawBufferPointer(rebasing: bytes[start...])).map { start + $0 }
      }
    }
  }
}
