/// The entries of an archive of either format, in order.
enum ArchiveReader {
  case tar(TarReader)
  case cpio(CpioReader)

  /// Returns the next entry; nil at the end. Skips what was not read of the entry before.
  mutating func next() throws(ShareProblem) -> ArchiveEntry? {
    switch self {
    case .tar(var reader):
      defer { self = .tar(reader) }
      return try reader.next()
    case .cpio(var reader):
      defer { self = .cpio(reader) }
      return try reader.next()
    }
  }

  /// Gives the contents of the present entry to `body`, in pieces with their offsets.
  mutating func contents(_ body: (UnsafeRawBufferPointer, _ offset: Int) throws(ShareProblem) -> Void)
    throws(ShareProblem)
  {
    switch self {
    case .tar(var reader):
      defer { self = .tar(reader) }
      try reader.contents(body)
    case .cpio(var reader):
      defer { self = .cpio(reader) }
      try reader.contents(body)
    }
  }
}
