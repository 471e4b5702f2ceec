import ProviumSystem

/// Reads the entries of a tar archive in order: ustar, pax (POSIX.1-2001) and GNU, as tar(5) of libarchive describes them. The
/// archive may be hostile: everything is bounded, and an entry that cannot be kept is an error that names it.
struct TarReader {
  private static let block = 512
  /// The most bytes of a long name or of pax records.
  private static let mostRecords = 1 << 20

  private let input: ArchiveInput
  /// Bytes of the present entry that were not read yet, and the padding after it.
  private var rest = 0
  private var padding = 0
  /// The parts of the present entry that are stored; nil: it is not sparse.
  private var sparse: SparseMap?
  private var isFirst = true

  init(_ input: ArchiveInput) { self.input = input }

  /// Values that entries before a header give for it.
  private struct Extensions {
    var path: [UInt8]?
    var target: [UInt8]?
    var size: Int?
    var user: UInt32?
    var group: UInt32?
    var modified: Int64?
    var attributes: [[UInt8]: [UInt8]] = [:]
    var sparse = SparseRecords()
  }

  /// Returns the next entry; nil at the end. Skips what was not read of the entry before.
  mutating func next() throws(ShareProblem) -> ArchiveEntry? {
    var extensions = Extensions()
    while true {
      try input.each(rest + padding) { _ throws(ShareProblem) in }
      (rest, padding, sparse) = (0, 0, nil)
      guard let header = try input.bytes(Self.block), header.contains(where: { $0 != 0 }) else { return nil }
      guard Self.hasValidChecksum(header) else {
        throw input.problem(isFirst ? "it is no tar archive" : "a header of an entry is damaged")
      }
      isFirst = false
      let size = try number(header, 124..<136, "size")
      switch header[156] {
      case UInt8(ascii: "x"): try readRecords(size, into: &extensions)
      case UInt8(ascii: "g"): _ = try record(size)  // defaults of all entries; only comments in practice
      case UInt8(ascii: "L"): extensions.path = Self.text(try record(size)[...])
      case UInt8(ascii: "K"): extensions.target = Self.text(try record(size)[...])
      case UInt8(ascii: "V"): try skip(size)
      default: return try entry(header, size, extensions)
      }
    }
  }

  /// Gives the contents of the present entry to `body`, in pieces with their offsets. Holes are left out.
  mutating func contents(_ body: (UnsafeRawBufferPointer, _ offset: Int) throws(ShareProblem) -> Void)
    throws(ShareProblem)
  {
    for part in sparse?.parts ?? [SparseMap.Part(offset: 0, count: rest)] {
      try input.each(part.count, from: part.offset, body)
    }
    rest = 0
  }

  // MARK: Headers

  private mutating func entry(_ header: [UInt8], _ headerSize: Int, _ extensions: Extensions)
    throws(ShareProblem) -> ArchiveEntry
  {
    let raw = extensions.sparse.path ?? extensions.path ?? Self.path(in: header)
    let shown = ArchiveInput.shown(raw)
    var entry = ArchiveEntry()
    entry.path = try input.components(of: raw)
    entry.kind = try kind(header[156], raw, shown)
    entry.target = extensions.target ?? Self.text(header[157..<257])
    entry.mode = UInt32(try number(header, 100..<108, "mode of \(shown)") & 0o7777)
    entry.user = try owner(extensions.user, header, 108..<116, shown)
    entry.group = try owner(extensions.group, header, 116..<124, shown)
    let seconds = try number(header, 136..<148, "time of \(shown)")
    entry.modified = extensions.modified ?? Int64(clamping: seconds).multipliedSaturating(by: 1_000_000_000)
    entry.attributes = extensions.attributes
    let size = extensions.size ?? headerSize
    // Other kinds have a size in some archives, and no contents.
    if entry.kind == .file {
      (entry.size, entry.storedSize) = (size, size)
      let parts = header[156] == UInt8(ascii: "S") ? try oldParts(header, shown) : nil
      (rest, padding) = (size, (Self.block - size % Self.block) % Self.block)
      if let parts {
        try setSparse(parts, try number(header, 483..<495, "size of \(shown)"), &entry, shown)
      } else if extensions.sparse.isPresent {
        let parts = extensions.sparse.isMapInContents ? try partsInContents() : extensions.sparse.listedParts
        try setSparse(parts, extensions.sparse.size, &entry, shown)
      }
    } else if entry.kind == .hardLink, extensions.size != nil || headerSize > 0 {
      // Contents of a hard link (pax) repeat those of its file.
      (rest, padding) = (size, (Self.block - size % Self.block) % Self.block)
    }
    let isLink = entry.kind == .symbolicLink || entry.kind == .hardLink
    guard !isLink || (1...ArchiveInput.mostPath).contains(entry.target.count), !entry.target.contains(0)
    else {
      throw input.problem("the link \(shown) has no target, or one that is too long")
    }
    return entry
  }

  private func kind(_ type: UInt8, _ raw: [UInt8], _ shown: String) throws(ShareProblem) -> ArchiveEntry.Kind
  {
    switch type {
    case UInt8(ascii: "S"): return .file
    case 0, UInt8(ascii: "0"), UInt8(ascii: "7"):
      // A folder of the oldest format.
      return raw.last == UInt8(ascii: "/") ? .folder : .file
    case UInt8(ascii: "1"): return .hardLink
    case UInt8(ascii: "2"): return .symbolicLink
    case UInt8(ascii: "3"), UInt8(ascii: "4"): return .device
    case UInt8(ascii: "5"): return .folder
    case UInt8(ascii: "6"): return .pipe
    default:
      throw input.problem("\(shown) is of the kind \(type), which is not known")
    }
  }

  // MARK: Sparse files

  /// The parts in a header of the old format of GNU tar; nil: too many.
  private func oldParts(_ header: [UInt8], _ shown: String) throws(ShareProblem) -> [SparseMap.Part] {
    let parts = try SparseMap.parts(
      inOldHeader: header,
      number: { field throws(ShareProblem) in
        // Fields of other blocks have the form of those of the header.
        try number(Array(field), 0..<field.count, "sparse map of \(shown)")
      },
      next: { () throws(ShareProblem) in
        guard let block = try input.bytes(Self.block) else {
          throw input.problem("it ends in the middle of an entry")
        }
        return block
      }
    )
    guard let parts else { throw damagedMap(shown) }
    return parts
  }

  /// The parts in format 1.0.
  private mutating func partsInContents() throws(ShareProblem) -> [SparseMap.Part]? {
    var left = rest
    let parts = try SparseMap.parts { () throws(ShareProblem) in
      guard left >= Self.block else { return nil }
      left -= Self.block
      return try input.bytes(Self.block)
    }
    rest = left
    return parts
  }

  private mutating func setSparse(
    _ parts: [SparseMap.Part]?,
    _ size: Int?,
    _ entry: inout ArchiveEntry,
    _ shown: String
  ) throws(ShareProblem) {
    guard let parts, let size, let map = SparseMap(parts, size: size, stored: rest) else {
      throw damagedMap(shown)
    }
    sparse = map
    (entry.size, entry.storedSize) = (size, rest)
  }

  private func damagedMap(_ shown: String) -> ShareProblem {
    input.problem("the map of the sparse file \(shown) is damaged")
  }

  private func owner(_ given: UInt32?, _ header: [UInt8], _ range: Range<Int>, _ shown: String)
    throws(ShareProblem) -> UInt32
  {
    if let given { return given }
    guard let owner = UInt32(exactly: try number(header, range, "owner of \(shown)")) else {
      throw input.problem("the owner of \(shown) is no 32-bit number")
    }
    return owner
  }

  private static func hasValidChecksum(_ header: [UInt8]) -> Bool {
    guard let wanted = octal(header[148..<156]) else { return false }
    var (sum, signed) = (0, 0)
    for (index, byte) in header.enumerated() {
      let counted = (148..<156).contains(index) ? UInt8(ascii: " ") : byte
      sum += Int(counted)
      signed += Int(Int8(bitPattern: counted))
    }
    return wanted == sum || wanted == signed
  }

  private static func path(in header: [UInt8]) -> [UInt8] {
    let name = text(header[0..<100])
    // GNU's own format has other fields in place of the prefix.
    guard header[257..<263].elementsEqual(Array("ustar\0".utf8)) else { return name }
    let prefix = text(header[345..<500])
    return prefix.isEmpty ? name : prefix + [UInt8(ascii: "/")] + name
  }

  /// The bytes before the first zero.
  private static func text(_ bytes: ArraySlice<UInt8>) -> [UInt8] { Array(bytes.prefix { $0 != 0 }) }

  // MARK: Numbers

  /// An octal number, or GNU's form for large ones: the first bit is set, and the bytes are big-endian. Empty is 0.
  private func number(_ header: [UInt8], _ range: Range<Int>, _ what: String) throws(ShareProblem) -> Int {
    let field = header[range]
    if let first = field.first, first & 0x80 != 0 {
      var value = first & 0x40 != 0 ? -1 : 0
      value = value << 6 | Int(first & 0x3F)
      for byte in field.dropFirst() {
        let (shifted, overflow) = value.multipliedReportingOverflow(by: 256)
        guard !overflow else { throw input.problem("the \(what) is too large") }
        value = shifted | Int(byte)
      }
      // Only times can be before 1970.
      guard value >= 0 || range.lowerBound == 136 else { throw input.problem("the \(what) is negative") }
      return value
    }
    guard let value = Self.octal(field) else { throw input.problem("the \(what) is no number") }
    return value
  }

  private static func octal(_ field: ArraySlice<UInt8>) -> Int? {
    let digits = field.drop { $0 == UInt8(ascii: " ") }.prefix { $0 != 0 && $0 != UInt8(ascii: " ") }
    if digits.isEmpty { return 0 }
    guard digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) }) else { return nil }
    return digits.reduce(0) { $0 << 3 | Int($1 - UInt8(ascii: "0")) }
  }

  // MARK: Records

  private mutating func skip(_ size: Int) throws(ShareProblem) {
    (rest, padding) = (size, (Self.block - size % Self.block) % Self.block)
  }

  private mutating func record(_ size: Int) throws(ShareProblem) -> [UInt8] {
    guard size <= Self.mostRecords else { throw input.problem("a header of an entry has \(size) bytes") }
    let bytes = size == 0 ? [] : try input.bytes(size) ?? []
    guard bytes.count == size else { throw input.problem("it ends in the middle of a header") }
    padding = (Self.block - size % Self.block) % Self.block
    return bytes
  }

  /// Reads pax records: `LENGTH KEY=VALUE\n`.
  private mutating func readRecords(_ size: Int, into extensions: inout Extensions) throws(ShareProblem) {
    var rest = try record(size)[...]
    while !rest.isEmpty {
      let digits = rest.prefix { $0 != UInt8(ascii: " ") }
      guard digits.count <= 7, let length = Int(String(decoding: digits, as: UTF8.self)),
        length > digits.count + 2, length <= rest.count,
        rest[rest.startIndex + length - 1] == UInt8(ascii: "\n"),
        let equals = rest.prefix(length).firstIndex(of: UInt8(ascii: "="))
      else { throw input.problem("the pax header of an entry is damaged") }
      let key = Array(rest[(rest.startIndex + digits.count + 1)..<equals])
      let value = Array(rest[(equals + 1)..<(rest.startIndex + length - 1)])
      try keep(key, value, in: &extensions)
      rest = rest.dropFirst(length)
    }
  }

  private func keep(_ key: [UInt8], _ value: [UInt8], in extensions: inout Extensions) throws(ShareProblem) {
    func number<Value: FixedWidthInteger>() throws(ShareProblem) -> Value {
      guard let number = Value(String(decoding: value, as: UTF8.self)), number >= 0 else {
        throw input.problem("the pax header of an entry has a number that cannot be")
      }
      return number
    }
    let attribute = Array("SCHILY.xattr.".utf8)
    switch String(decoding: key, as: UTF8.self) {
    case "path": extensions.path = value
    case "linkpath": extensions.target = value
    case "size": extensions.size = try number()
    case "uid": extensions.user = try number()
    case "gid": extensions.group = try number()
    case "mtime": extensions.modified = ArchiveTime.nanoseconds(value)
    case let name where name.hasPrefix(SparseRecords.prefix):
      guard extensions.sparse.keep(String(name.dropFirst(SparseRecords.prefix.count)), value) else {
        throw input.problem("the pax header of a sparse file has a \(HarmlessText.line(name)) that cannot be")
      }
    default:
      guard key.starts(with: attribute) else { return }
      let name = Array(key.dropFirst(attribute.count))
      if SharedAttribute.isShared(name), name.count <= 255, value.count <= 64 << 10 {
        extensions.attributes[name] = value
      }
    }
  }
}
