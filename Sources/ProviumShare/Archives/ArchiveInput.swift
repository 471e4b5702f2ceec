import Glibc
import ProviumSystem

/// The bytes of an archive from its beginning to its end, unpacked by a program of the host where it is compressed. Belongs to one
/// thread.
final class ArchiveInput {
  /// The programs that unpack a file, by its first bytes.
  private static let packings: [(mark: [UInt8], program: String, arguments: [String])] = [
    ([0x1F, 0x8B], "gzip", ["-dcq"]), ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], "xz", ["-dcq"]),
    ([0x28, 0xB5, 0x2F, 0xFD], "zstd", ["-dcq"]), ([0x42, 0x5A, 0x68], "bzip2", ["-dcq"]),
  ]
  /// The most bytes after the last entry of an archive that are read to learn whether the archive is whole.
  private static let mostTrailer = 64 << 20

  /// The archive in messages.
  let name: String
  private let source: Descriptor
  private let child: ChildProcess?
  private let program: String?
  private let complaints: Descriptor?
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
  private var begin = 0
  private var end = 0

  /// Opens a file, compressed or not.
  /// - Parameter offset: the bytes before the archive.
  convenience init(_ path: String, from offset: Int = 0, name: String, temporary: String) throws(ShareProblem)
  {
    let head: [UInt8]
    let file: Descriptor
    do {
      head = try Files.read(path, from: UInt64(offset), count: 8)
      file = try Self.open(path, at: offset)
    } catch { throw ShareProblem("cannot read \(name): \(error)") }
    guard let packing = Self.packings.first(where: { head.starts(with: $0.mark) }) else {
      self.init(name: name, source: file, child: nil, program: nil, complaints: nil)
      return
    }
    try self.init(
      output: packing.program,
      packing.arguments,
      input: file.raw,
      name: name,
      temporary: temporary
    )
  }

  private static func open(_ path: String, at offset: Int) throws -> Descriptor {
    let file = try Descriptor.open(path, O_RDONLY)
    guard lseek(file.raw, offset, SEEK_SET) >= 0 || offset == 0 else { throw SystemError("seek in", path) }
    return file
  }

  /// Reads the output of a program of the host.
  /// - Parameters:
  ///   - input: its standard input; nil: nothing.
  ///   - temporary: a folder for what it writes to its standard error.
  convenience init(
    output program: String,
    _ arguments: [String],
    input: Int32? = nil,
    name: String,
    temporary: String
  ) throws(ShareProblem) {
    guard let executable = ToolRun.find(program) else {
      throw ShareProblem("cannot read \(name): \(program) is not installed (looked for it in PATH)")
    }
    do {
      let pipe = try Descriptor.pipe()
      let complaints = try Descriptor.temporaryFile(in: temporary)
      var descriptors: [Int32: Int32] = [1: pipe.write.raw, 2: complaints.raw]
      if let input { descriptors[0] = input }
      let child = try ChildProcess(executable: executable, arguments: arguments, descriptors: descriptors)
      self.init(
        name: name,
        source: pipe.closingWrite(),
        child: child,
        program: program,
        complaints: complaints
      )
    } catch { throw ShareProblem("cannot read \(name): \(error)") }
  }

  private init(
    name: String,
    source: consuming Descriptor,
    child: ChildProcess?,
    program: String?,
    complaints: consuming Descriptor?
  ) {
    self.name = name
    self.source = source
    self.child = child
    self.program = program
    self.complaints = complaints
  }

  deinit { buffer.deallocate() }

  func problem(_ reason: String) -> ShareProblem { ShareProblem("\(name) cannot be unpacked: \(reason)") }

  /// The most bytes of a path in an archive, as in Linux (path_resolution(7)).
  static let mostPath = 4095

  /// The parts of a path of the archive. A leading `/` is dropped.
  func components(of path: [UInt8]) throws(ShareProblem) -> [[UInt8]] {
    guard !path.isEmpty, path.count <= Self.mostPath, !path.contains(0) else {
      throw problem("a path in it is empty, has a zero byte, or has more than \(Self.mostPath) bytes")
    }
    let parts = path.split(separator: UInt8(ascii: "/")).map(Array.init).filter { $0 != [UInt8(ascii: ".")] }
    if parts.contains(Array("..".utf8)) { throw problem("the path \(Self.shown(path)) has .. in it") }
    if let long = parts.first(where: { $0.count > 255 }) {
      throw problem("a name in it has more than 255 bytes: \(Self.shown(Array(long.prefix(40))))…")
    }
    return parts
  }

  /// A path of an archive for a message.
  static func shown(_ path: [UInt8]) -> String { HarmlessText.line(PathText.string(of: path.prefix(300))) }

  /// Reads exactly `count` bytes.
  /// - Returns: nil at the end of the input.
  func bytes(_ count: Int) throws(ShareProblem) -> [UInt8]? {
    var result: [UInt8] = []
    result.reserveCapacity(count)
    while result.count < count {
      if begin == end, try !fill() {
        if result.isEmpty { return nil }
        throw problem("it ends in the middle of an entry")
      }
      let part = min(count - result.count, end - begin)
      result.append(contentsOf: buffer[begin..<begin + part])
      begin += part
    }
    return result
  }

  /// Gives the next `count` bytes to `body`, in pieces.
  func each(_ count: Int, _ body: (UnsafeRawBufferPointer) throws(ShareProblem) -> Void) throws(ShareProblem)
  {
    var rest = count
    while rest > 0 {
      if begin == end, try !fill() { throw problem("it ends in the middle of a file") }
      let part = min(rest, end - begin)
      try body(UnsafeRawBufferPointer(rebasing: buffer[begin..<begin + part]))
      begin += part
      rest -= part
    }
  }

  /// Gives the next `count` bytes to `body`, in pieces with their offsets from `offset` on.
  func each(
    _ count: Int,
    from offset: Int,
    _ body: (UnsafeRawBufferPointer, _ offset: Int) throws(ShareProblem) -> Void
  ) throws(ShareProblem) {
    var offset = offset
    try each(count) { piece throws(ShareProblem) in
      try body(piece, offset)
      offset += piece.count
    }
  }

  /// Reads to the end, and checks that the program that unpacked the input was content with it.
  func finish() throws(ShareProblem) {
    guard let child, let program else { return }
    var rest = Self.mostTrailer
    while rest > 0, try fill() { rest -= end }
    guard rest > 0 else {
      child.terminate()
      return
    }
    try checkEnd(of: child, program)
  }

  private func checkEnd(of child: ChildProcess, _ program: String) throws(ShareProblem) {
    let status: ExitStatus?
    do { status = try child.wait(until: .after(.seconds(60))) } catch { throw problem("\(error)") }
    guard let status, !status.isSuccess else { return }
    throw problem("\(program) failed (\(status))\(complaint.isEmpty ? "" : ": \(complaint)")")
  }

  /// The last line that the program wrote to its standard error.
  private var complaint: String {
    let number: Int32
    switch complaints {
    case .some(let descriptor): number = descriptor.raw
    case .none: return ""
    }
    var text = [UInt8](repeating: 0, count: 4096)
    let count = text.withUnsafeMutableBytes { pread(number, $0.baseAddress, $0.count, 0) }
    let lines = String(decoding: text.prefix(max(0, count)), as: UTF8.self).split(separator: "\n")
    return HarmlessText.line(lines.last.map(String.init) ?? "")
  }

  /// Reads the next piece; false at the end.
  private func fill() throws(ShareProblem) -> Bool {
    while true {
      let count = read(source.raw, buffer.baseAddress, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw ShareProblem("cannot read \(name): \(Errno(errno))") }
      (begin, end) = (0, count)
      if count == 0, let child, let program { try checkEnd(of: child, program) }
      return count > 0
    }
  }
}
