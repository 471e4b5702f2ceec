/// The format of `provium.pack` and `unpack`: little-endian, without implicit padding.
///
/// Specifiers, separated by spaces: `u8 i8 u16 i16 u32 i32 u64 i64`, `Ns` (a string padded with NULs to N
/// bytes), `Nx` (N zero bytes, no value).
struct PackFormat: Hashable, Sendable {
  enum Field: Hashable, Sendable {
    case integer(bytes: Int, isSigned: Bool)
    case string(bytes: Int)
    case padding(bytes: Int)

    var size: Int {
      switch self {
      case .integer(let bytes, _), .string(let bytes), .padding(let bytes): bytes
      }
    }
    var hasValue: Bool {
      if case .padding = self { false } else { true }
    }
  }

  /// An error in a format or its values. The caller adds the function's name.
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  let fields: [(text: String, field: Field)]

  /// The largest size in bytes. No kernel structure is larger; it bounds what a typing error can allocate.
  private static let largest = 16 << 20

  init(_ format: String) throws {
    fields = try format.split(whereSeparator: \.isWhitespace).map { part in
      let text = String(part)
      guard let field = Self.field(text) else {
        throw Failure(
          description:
            "bad specifier '\(text)': u8 i8 u16 i16 u32 i32 u64 i64, Ns (N bytes of string) and Nx (N zero bytes) are known"
        )
      }
      return (text, field)
    }
    guard size <= Self.largest else { throw Failure(description: "the format is longer than 16 MiB") }
  }

  static func == (left: PackFormat, right: PackFormat) -> Bool {
    left.fields.map(\.text) == right.fields.map(\.text)
  }
  func hash(into hasher: inout Hasher) { hasher.combine(fields.map(\.text)) }

  var size: Int { fields.reduce(0) { $0 + $1.field.size } }
  var valueCount: Int { fields.count { $0.field.hasValue } }

  private static func field(_ text: String) -> Field? {
    switch text {
    case "u8": return .integer(bytes: 1, isSigned: false)
    case "i8": return .integer(bytes: 1, isSigned: true)
    case "u16": return .integer(bytes: 2, isSigned: false)
    case "i16": return .integer(bytes: 2, isSigned: true)
    case "u32": return .integer(bytes: 4, isSigned: false)
    case "i32": return .integer(bytes: 4, isSigned: true)
    case "u64": return .integer(bytes: 8, isSigned: false)
    case "i64": return .integer(bytes: 8, isSigned: true)
    default:
      guard let count = Int(text.dropLast()), (0...largest).contains(count) else { return nil }
      switch text.last {
      case "s": return .string(bytes: count)
      case "x": return .padding(bytes: count)
      default: return nil
      }
    }
  }

  /// One value to pack.
  enum Value: Hashable, Sendable {
    case integer(Int64)
    /// An integer above 2^63-1, which a script has as a float.
    case large(UInt64)
    case bytes([UInt8])
  }

  func pack(_ values: [Value]) throws -> [UInt8] {
    guard values.count == valueCount else {
      throw Failure(description: "the format takes \(valueCount) values, got \(values.count)")
    }
    var result: [UInt8] = []
    result.reserveCapacity(size)
    var rest = values[...]
    for (text, field) in fields {
      let number = values.count - rest.count + 1
      switch (field, field.hasValue ? rest.popFirst() : nil) {
      case (.padding(let count), _):
        result.append(contentsOf: repeatElement(0, count: count))
      case (.string(let count), .bytes(let bytes)?):
        guard bytes.count <= count else {
          throw Failure(description: "value \(number) has \(bytes.count) bytes, more than '\(text)' holds")
        }
        result += bytes
        result.append(contentsOf: repeatElement(0, count: count - bytes.count))
      case (.integer(let size, let isSigned), .integer(let value)?):
        guard Self.fits(value, size, isSigned) else {
          throw Failure(description: "value \(number) (\(value)) is out of the range of '\(text)'")
        }
        for byte in 0..<size { result.append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
      case (.integer(let size, let isSigned), .large(let value)?):
        guard size == 8, !isSigned else {
          throw Failure(description: "value \(number) (\(value)) is out of the range of '\(text)'")
        }
        for byte in 0..<size { result.append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(byte)))) }
      case (.integer, _):
        throw Failure(description: "value \(number) must be an integer for '\(text)'")
      case (.string, _):
        throw Failure(description: "value \(number) must be a string for '\(text)'")
      }
    }
    return result
  }

  /// An unsigned field also takes the negative values of its width, as two's complement: `-1` in `u32` is
  /// `0xffffffff`, and an address from `unpack("u64", …)`, which is negative in Lua, can be packed again.
  private static func fits(_ value: Int64, _ bytes: Int, _ isSigned: Bool) -> Bool {
    if bytes == 8 { return true }
    let bits = Int64(8 * bytes)
    return (-(1 << (bits - 1))..<(1 << (isSigned ? bits - 1 : bits))).contains(value)
  }

  /// Returns one value for each specifier that has one. Strings keep their NULs.
  func unpack(_ data: [UInt8], at offset: Int) throws -> [Value] {
    guard offset >= 0, offset <= data.count, data.count - offset >= size else {
      throw Failure(
        description: "the format needs \(size) bytes from offset \(offset), but the data has \(data.count)"
      )
    }
    var position = offset
    return fields.compactMap { _, field in
      defer { position += field.size }
      let bytes = data[position..<position + field.size]
      switch field {
      case .padding: return nil
      case .string: return .bytes(Array(bytes))
      case .integer(let size, let isSigned):
        var value: UInt64 = 0
        for byte in bytes.reversed() { value = value << 8 | UInt64(byte) }
        if isSigned, size < 8, value >> (8 * UInt64(size) - 1) == 1 {
          value |= UInt64.max << (8 * UInt64(size))
        }
        return .integer(Int64(bitPattern: value))
      }
    }
  }
}
