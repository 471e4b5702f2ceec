import ProviumArchitecture
import ProviumSystem

/// One thing that was asked of a guest, for the report of a failure. Made cheaply; put into words only when asked.
package struct OperationRecord: Sendable {
  /// An argument as given. Long data are shortened when they are taken in.
  package enum Argument: Sendable {
    case integer(Int64)
    /// Where the kernel takes a directory's descriptor.
    case directory(Int64)
    /// An ioctl's.
    case command(UInt32)
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
    /// A system call's result, negative ones being errors, and the memory that the kernel has written.
    case systemCall(Int64, written: [Argument] = [])
    case bytes(Int)
    case word(String)
  }

  /// Who was asked, if it was not the machine's main agent: `worker 1`.
  package var actor: String?
  package let name: String
  package let arguments: [Argument]
  package internal(set) var outcome: Outcome = .pending
  package internal(set) var duration: Duration = .zero

  init(_ name: String, _ arguments: [Argument], actor: String? = nil) {
    self.actor = actor
    self.name = name
    self.arguments = arguments
  }
}

extension OperationRecord: CustomStringConvertible {
  /// As strace(1) writes it: `openat(AT_FDCWD, "/etc/passwd", 0) = 3 <0.4ms>`, behind `[worker 1]` where it was one.
  package var description: String {
    let list = arguments.map(\.description).joined(separator: ", ")
    let call = "\(actor.map { "[\($0)] " } ?? "")\(name)(\(list))"
    switch outcome {
    case .pending: return "\(call) <unfinished>"
    case .nothing: return "\(call) <\(Quantity.text(duration))>"
    default: return "\(call) = \(outcome) <\(Quantity.text(duration))>"
    }
  }
}

extension OperationRecord.Argument: CustomStringConvertible {
  package var description: String {
    switch self {
    case .directory(-100): "AT_FDCWD"
    case .integer(let value), .directory(let value):
      value > 0xFFFF || value < -4096 ? "0x\(String(UInt64(bitPattern: value), radix: 16))" : "\(value)"
    case .command(let command): IoctlCommand.description(command)
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
    case .systemCall(let value, let written):
      ((-4095 ... -1).contains(value)
        ? "-\(Errno(Int32(-value)).name)" : OperationRecord.Argument.integer(value).description)
        + (written.isEmpty ? "" : " => \(written.map(\.description).joined(separator: ", "))")
    case .bytes(let count): "\(count) bytes"
    case .word(let word): word
    }
  }
}

extension OperationRecord.Argument {
  /// What the call has changed of its buffers, as far as is shown, and what it was told to give back.
  /// - Parameter addresses: by the buffer's position, where the agent has put addresses: they tell nobody anything.
  static func written(
    _ before: [[UInt8]],
    _ after: [[UInt8]],
    outputs: [[UInt8]] = [],
    addresses: [Int: [Int]] = [:]
  ) -> [Self] {
    let changed = before.indices.compactMap { index -> Self? in
      let sent = Array(before[index].prefix(keptBytes))
      var came = Array(after[index].prefix(keptBytes))
      for offset in addresses[index] ?? [] {
        for place in offset..<offset + 8 where came.indices.contains(place) { came[place] = sent[place] }
      }
      return came == sent ? nil : .text(came, count: after[index].count)
    }
    return changed + outputs.map { .text($0) }
  }
}
