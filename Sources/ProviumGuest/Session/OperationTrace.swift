import ProviumSystem

/// One thing that was asked of a guest, for the report of a failure. Made cheaply; put into words only when asked.
package struct OperationRecord: Sendable {
  /// An argument as given. Long data are shortened when they are taken in.
  package enum Argument: Sendable {
    case integer(Int64)
    case text([UInt8], count: Int)
    case output(count: Int)
    case word(String)

    /// At most this many bytes of data are kept.
    static let keptBytes = 32

    static func text(_ bytes: [UInt8]) -> Argument {
      .text(Array(bytes.prefix(keptBytes)), count: bytes.count)
    }
    static func text(_ text: ByteString) -> Argument { .text(text.bytes) }
  }

  package enum Outcome: Sendable {
    case pending
    case nothing
    case integer(Int64)
    /// A system call's result: negative ones are errors.
    case systemCall(Int64)
    case bytes(Int)
    case word(String)
  }

  package let name: String
  package let arguments: [Argument]
  package internal(set) var outcome: Outcome = .pending
  package internal(set) var duration: Duration = .zero
}

extension OperationRecord: CustomStringConvertible {
  /// As strace(1) writes it: `openat(AT_FDCWD, "/etc/passwd", 0) = 3 <0.4ms>`.
  package var description: String {
    let list = arguments.map(\.description).joined(separator: ", ")
    switch outcome {
    case .pending: return "\(name)(\(list)) <unfinished>"
    case .nothing: return "\(name)(\(list)) <\(Quantity.text(duration))>"
    default: return "\(name)(\(list)) = \(outcome) <\(Quantity.text(duration))>"
    }
  }
}

extension OperationRecord.Argument: CustomStringConvertible {
  package var description: String {
    switch self {
    case .integer(-100): "AT_FDCWD"
    case .integer(let value):
      value > 0xFFFF || value < -4096 ? "0x\(String(UInt64(bitPattern: value), radix: 16))" : "\(value)"
    case .text(let bytes, let count):
      "\"\(Self.escaped(bytes))\"" + (count > bytes.count ? "...(\(count) bytes)" : "")
    case .output(let count): "[\(count) bytes]"
    case .word(let word): word
    }
  }

  private static func escaped(_ bytes: [UInt8]) -> String {
    var text = ""
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "\n"): text += "\\n"
      case UInt8(ascii: "\t"): text += "\\t"
      case 0: text += "\\0"
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): text += "\\" + String(UnicodeScalar(byte))
      case 0x20..<0x7F: text += String(UnicodeScalar(byte))
      default: text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }
    }
    return text
  }
}

extension OperationRecord.Outcome: CustomStringConvertible {
  package var description: String {
    switch self {
    case .pending, .nothing: ""
    case .integer(let value): "\(value)"
    case .systemCall(let value):
      (-4095 ... -1).contains(value)
        ? "-\(Errno(Int32(-value)).name)" : OperationRecord.Argument.integer(value).resultText
    case .bytes(let count): "\(count) bytes"
    case .word(let word): word
    }
  }
}

extension OperationRecord.Argument {
  /// A result is no directory descriptor.
  fileprivate var resultText: String {
    if case .integer(-100) = self { return "-100" }
    return description
  }
}

/// The last operations of a session, oldest first.
package struct OperationTrace: Sendable {
  package static let capacity = 16
  private var ring: [OperationRecord] = []
  private var next = 0

  package var records: [OperationRecord] { Array(ring[next...]) + Array(ring[..<next]) }

  /// Returns where `finish` finds it.
  mutating func begin(_ name: String, _ arguments: [OperationRecord.Argument]) -> Int {
    let record = OperationRecord(name: name, arguments: arguments)
    if ring.count < Self.capacity {
      ring.append(record)
      return ring.count - 1
    }
    defer { next = (next + 1) % Self.capacity }
    ring[next] = record
    return next
  }

  mutating func finish(_ place: Int, _ outcome: OperationRecord.Outcome, _ duration: Duration) {
    guard ring.indices.contains(place) else { return }
    ring[place].outcome = outcome
    ring[place].duration = duration
  }
}
