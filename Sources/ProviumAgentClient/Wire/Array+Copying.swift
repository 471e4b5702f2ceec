import Glibc

extension [UInt8] {
  /// Copies bytes with one `memcpy(3)`.
  package init(copying bytes: UnsafeRawBufferPointer) {
    self.init(unsafeUninitializedCapacity: bytes.count) { space, count in
      if let source = bytes.baseAddress, let target = space.baseAddress {
        memcpy(target, source, bytes.count)
      }
      count = bytes.count
    }
  }
}
