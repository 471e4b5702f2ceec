import Glibc
import ProviumSystem

/// The guest's memory in a running QEMU, read from outside: its processors must be stopped. QEMU is this process's child, so
/// that proc(5) opens its memory here.
struct ProcessMemory {
  /// Pages that differ from what is in a file already, as offsets into the guest's memory.
  typealias Run = Range<UInt64>

  private let pid: Int32
  /// QEMU's address of the first byte.
  private let start: UInt64
  private let size: UInt64
  private static let page: UInt64 = 4096

  // pagemap in Documentation/admin-guide/mm/pagemap.rst of Linux.
  private static let isPresent: UInt64 = 1 << 63
  private static let isSwapped: UInt64 = 1 << 62
  private static let isOfFile: UInt64 = 1 << 61

  init(of process: QEMUProcess, until deadline: Deadline) throws {
    pid = process.child.pid
    size = process.configuration.memory.bytes
    let address = process.platform.architecture.memoryStart
    let reply = try process.qmp.command(
      "human-monitor-command",
      ["command-line": .string("gpa2hva 0x\(String(address, radix: 16))")],
      until: deadline
    )
    // "Host virtual address for 0x0 (ram) is 0x7f10a7e00000"
    let words = (reply.string ?? "").split(whereSeparator: \.isWhitespace)
    guard let word = words.last, word.hasPrefix("0x"), let start = UInt64(word.dropFirst(2), radix: 16) else {
      throw QMPError.incomplete(command: "gpa2hva", missing: "address of the guest's memory")
    }
    self.start = start
  }

  /// The runs of pages that are in memory.
  /// - Parameter onlyChanged: leaves out pages of the file that the memory is a private mapping of.
  func runs(onlyChanged: Bool) throws -> [Run] {
    let path = "/proc/\(pid)/pagemap"
    let map = try Descriptor.open(path, O_RDONLY)
    var runs: [Run] = []
    var entries = [UInt64](repeating: 0, count: 64 << 10)
    var page: UInt64 = 0
    while page < size / Self.page {
      let wanted = min(entries.count, Int(size / Self.page - page))
      let offset = off_t((start / Self.page + page) * 8)
      let count = entries.withUnsafeMutableBytes { pread(map.raw, $0.baseAddress, wanted * 8, offset) }
      guard count == wanted * 8 else { throw SystemError("read", path) }
      entries.withUnsafeBufferPointer { entries in
        for index in 0..<wanted {
          let entry = entries[index]
          guard entry & (Self.isPresent | Self.isSwapped) != 0, !onlyChanged || entry & Self.isOfFile == 0
          else { continue }
          let begin = (page + UInt64(index)) * Self.page
          if let last = runs.last, last.upperBound == begin {
            runs[runs.count - 1] = last.lowerBound..<begin + Self.page
          } else {
            runs.append(begin..<begin + Self.page)
          }
        }
      }
      page += UInt64(wanted)
    }
    return runs
  }

  /// Calls `body` with the contents of `runs`, in pieces.
  func read(_ runs: [Run], _ body: (_ offset: UInt64, UnsafeRawBufferPointer) throws -> Void) throws {
    let path = "/proc/\(pid)/mem"
    let memory = try Descriptor.open(path, O_RDONLY)
    var buffer = [UInt8](repeating: 0, count: MemoryWriter.piece)
    for run in runs {
      var offset = run.lowerBound
      while offset < run.upperBound {
        let wanted = min(buffer.count, Int(run.upperBound - offset))
        let count = buffer.withUnsafeMutableBytes {
          pread(memory.raw, $0.baseAddress, wanted, off_t(start + offset))
        }
        guard count > 0 else { throw SystemError("read", path) }
        try buffer.withUnsafeBytes { try body(offset, UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        offset += UInt64(count)
      }
    }
  }

  /// Writes all of the memory into a new sparse file.
  func writeWhole(to path: String) throws {
    let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC)
    guard ftruncate(file.raw, off_t(size)) == 0 else { throw SystemError("size", path) }
    try read(try runs(onlyChanged: false)) { offset, bytes in
      var at = 0
      while at < bytes.count {
        // One write for all pages up to the next page of zeros.
        var end = at
        while end < bytes.count, !Self.isZero(bytes, end) { end += min(Int(Self.page), bytes.count - end) }
        if end > at {
          let part = UnsafeRawBufferPointer(rebasing: bytes[at..<end])
          try MemoryWriter.write(part, to: file.raw, at: offset + UInt64(at), path)
        }
        at = end + Int(Self.page)
      }
    }
  }

  /// Writes the pages that differ from the file of the private mapping, in the form of `KeptMemory.changes`.
  func writeChanges(to path: String) throws {
    let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC)
    var end: UInt64 = 0
    try read(try runs(onlyChanged: true)) { offset, bytes in
      let header = [offset.littleEndian, UInt64(bytes.count).littleEndian]
      try header.withUnsafeBytes { try MemoryWriter.write($0, to: file.raw, at: end, path) }
      try MemoryWriter.write(bytes, to: file.raw, at: end + 16, path)
      end += 16 + UInt64(bytes.count)
    }
  }

  private static func isZero(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> Bool {
    guard let base = bytes.baseAddress, bytes.count - offset >= Int(page) else { return false }
    let start = base + offset
    return start.load(as: UInt64.self) == 0 && memcmp(start, start + 8, Int(page) - 8) == 0
  }
}
