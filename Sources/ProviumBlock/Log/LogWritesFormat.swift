import ProviumSystem

/// The format of the kernel's dm-log-writes, which `replay-log` of xfstests reads
/// (Documentation/admin-guide/device-mapper/log-writes.rst, drivers/md/dm-log-writes.c).
///
///     sector 0     magic 0x6a736677736872 (u64), version 1 (u64), entries (u64), bytes of a sector (u32)
///     each entry   one sector: first sector (u64), sectors (u64), flags (u64), bytes of data (u64); of a mark, then its text
///                  then the data of a write, in whole sectors
///
/// Everything is little-endian. Sectors have 512 bytes.
package enum LogWritesFormat {
  private static let magic: UInt64 = 0x6a73_6677_7368_72
  private static let version: UInt64 = 1
  private static let sector = 512
  private static let headerSize = 32

  private enum Flag {
    static let flush: UInt64 = 1
    static let durable: UInt64 = 2
    static let discard: UInt64 = 4
    static let mark: UInt64 = 8
  }

  package static func encode(_ entries: [LogEntry]) -> [UInt8] {
    var output: [UInt8] = []
    for number in [magic, version, UInt64(entries.count)] { append(number, to: &output) }
    withUnsafeBytes(of: UInt32(sector).littleEndian) { output.append(contentsOf: $0) }
    pad(&output)
    for entry in entries { append(entry, to: &output) }
    return output
  }

  private static func append(_ entry: LogEntry, to output: inout [UInt8]) {
    var flags = entry.isDurable ? Flag.durable : 0
    var (length, data, text) = (0, [UInt8](), [UInt8]())
    var sectors = entry.count / sector
    switch entry.kind {
    case .write(let bytes): (length, data) = (bytes.count, bytes)
    // The format has no entry for zeroes without data: they are written.
    case .zero: (length, data) = (entry.count, [UInt8](repeating: 0, count: entry.count))
    case .trim: flags |= Flag.discard
    case .flush: (flags, sectors) = (flags | Flag.flush, 0)
    case .mark(let mark):
      text = Array(mark.utf8.prefix(sector - headerSize))
      (flags, length, sectors) = (flags | Flag.mark, text.count, 0)
    }
    for number in [UInt64(entry.offset / sector), UInt64(sectors), flags, UInt64(length)] {
      append(number, to: &output)
    }
    output += text
    pad(&output)
    output += data
    pad(&output)
  }

  private static func append(_ number: UInt64, to output: inout [UInt8]) {
    withUnsafeBytes(of: number.littleEndian) { output.append(contentsOf: $0) }
  }

  private static func pad(_ output: inout [UInt8]) {
    output += [UInt8](repeating: 0, count: (sector - output.count % sector) % sector)
  }

  /// Bytes that are not a log of this format.
  package struct Malformed: Error, CustomStringConvertible {
    package let description = "the file is not a complete log of dm-log-writes"
  }

  package static func decode(_ bytes: [UInt8]) throws -> [LogEntry] {
    guard bytes.integer(at: 0, as: UInt64.self) == magic, bytes.integer(at: 8, as: UInt64.self) == version,
      let count: UInt64 = bytes.integer(at: 16), bytes.integer(at: 24, as: UInt32.self) == UInt32(sector)
    else { throw Malformed() }
    var entries: [LogEntry] = []
    var place = sector
    for _ in 0..<count {
      guard place <= bytes.count - sector, let first: UInt64 = bytes.integer(at: place),
        let sectors: UInt64 = bytes.integer(at: place + 8), let flags: UInt64 = bytes.integer(at: place + 16),
        let length: UInt64 = bytes.integer(at: place + 24), max(first, sectors) < 1 << 48
      else { throw Malformed() }
      let isDurable = flags & Flag.durable != 0
      let (offset, size) = (Int(first) * sector, Int(sectors) * sector)
      if flags & Flag.mark != 0 {
        guard length <= UInt64(sector - headerSize) else { throw Malformed() }
        let text = bytes[place + headerSize..<place + headerSize + Int(length)]
        entries.append(LogEntry(.mark(String(decoding: text, as: UTF8.self))))
      } else if flags & Flag.discard != 0 {
        entries.append(LogEntry(.trim, offset: offset, count: size, isDurable: isDurable))
      } else if length > 0 {
        guard length == UInt64(size), size <= bytes.count - place - sector else { throw Malformed() }
        let data = Array(bytes[place + sector..<place + sector + size])
        entries.append(.write(data, at: offset, isDurable: isDurable))
        place += size
      } else if flags & Flag.flush != 0 {
        entries.append(LogEntry(.flush))
      }
      place += sector
    }
    return entries
  }
}
