/// Numbers of ioctls, as `asm-generic/ioctl.h` makes them: `direction 2 | size 14 | type 8 | number 8`.
///
/// The same on x86-64, aarch64 and riscv64.
package enum IoctlCommand {
  private static let write: UInt32 = 1
  private static let read: UInt32 = 2

  package static func IO(_ type: UInt8, _ number: UInt8) -> UInt32 { encode(0, type, number, 0) }
  /// The kernel writes the struct, the caller reads it. nil when `size` does not fit its 14 bits.
  package static func IOR(_ type: UInt8, _ number: UInt8, _ size: Int) -> UInt32? {
    sized(read, type, number, size)
  }
  package static func IOW(_ type: UInt8, _ number: UInt8, _ size: Int) -> UInt32? {
    sized(write, type, number, size)
  }
  package static func IOWR(_ type: UInt8, _ number: UInt8, _ size: Int) -> UInt32? {
    sized(read | write, type, number, size)
  }

  /// Bytes of the struct; 0 for commands that do not say.
  package static func size(_ command: UInt32) -> Int {
    direction(command) == 0 ? 0 : Int(command >> 16 & 0x3FFF)
  }
  package static func isRead(_ command: UInt32) -> Bool { direction(command) & read != 0 }

  /// Whether the kernel may write the struct: it does for directions that read, and a command without a direction does not
  /// say.
  package static func returnsData(_ command: UInt32) -> Bool { direction(command) == 0 || isRead(command) }

  /// `_IOR('T', 0x30, 4)`; the number where it tells no direction.
  package static func description(_ command: UInt32) -> String {
    guard direction(command) != 0 else { return "0x" + String(command, radix: 16) }
    let type = UInt8(truncatingIfNeeded: command >> 8)
    let isLetter = (0x21..<0x7F).contains(type) && type != UInt8(ascii: "'")
    let shown = isLetter ? "'\(UnicodeScalar(type))'" : "0x" + String(type, radix: 16)
    let name = ["", "_IOW", "_IOR", "_IOWR"][Int(direction(command))]
    return "\(name)(\(shown), 0x\(String(command & 0xFF, radix: 16)), \(size(command)))"
  }

  private static func direction(_ command: UInt32) -> UInt32 { command >> 30 }

  private static func sized(_ direction: UInt32, _ type: UInt8, _ number: UInt8, _ size: Int) -> UInt32? {
    (0...0x3FFF).contains(size) ? encode(direction, type, number, UInt32(size)) : nil
  }

  private static func encode(_ direction: UInt32, _ type: UInt8, _ number: UInt8, _ size: UInt32) -> UInt32 {
    direction << 30 | size << 16 | UInt32(type) << 8 | UInt32(number)
  }
}
