import ProviumArchitecture
import ProviumSystem

/// One operation on a guest, for the report of a failure. It is cheap to make, and becomes text only when it
/// is shown.
package struct OperationRecord: Sendable {
  /// An argument of the operation. Of long data only the beginning is kept.
  package enum Argument: Sendable {
    case integer(Int64)
    /// The descriptor of a directory, or AT_FDCWD.
    case directory(Int64)
    /// The command of an ioctl.
    case command(UInt32)
    case text([UInt8], count: Int)
    case output(count: Int)
    case word(String)

    /// Bytes of data that are kept.
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
    /// The result of a system call (`-errno` after a failure), and the memory that the kernel has written.
    case systemCall(Int64, written: [Argument] = [])
    case bytes(Int)
    case word(String)
  }

  /// The worker that carried the operation out: `worker 1`; nil: the main agent.
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
  /// The operation as strace(1) writes it: `openat(AT_FDCWD, "/etc/passwd", 0) = 3 <0.4ms>`, after `[worker
  /// 1]` when a worker carried it out.
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
      default: text += "\\x" + Hex.text(byte)
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
  /// Returns the buffers whose shown part the call has changed, and all outputs.
  /// - Parameter addresses: by the position of the buffer, the offsets at which the agent has put addresses.
  ///   They differ in every run and are not compared.
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
