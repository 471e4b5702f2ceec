import Testing

@testable import ProviumScripts

@Suite("provium.pack") struct PackFormatTests {
  @Test("a format is little-endian and has only explicit padding") func layout() throws {
    let format = try PackFormat("u8 i16 2x u32 4s u64")
    let bytes = try format.pack([
      .integer(1), .integer(-2), .integer(0x0102_0304), .bytes([65, 66]), .integer(-1),
    ])
    #expect(bytes == [1, 0xfe, 0xff, 0, 0, 4, 3, 2, 1, 65, 66, 0, 0] + [UInt8](repeating: 255, count: 8))
    #expect(
      try format.unpack(bytes, at: 0) == [
        .integer(1), .integer(-2), .integer(0x0102_0304), .bytes([65, 66, 0, 0]), .integer(-1),
      ]
    )
  }

  private static let outOfRange: [(String, Int64)] = [
    ("u8", 256), ("u8", -129), ("u16", 65536), ("u16", -32769), ("u32", 4_294_967_296),
    ("u32", -2_147_483_649), ("i8", 128), ("i8", -129), ("i16", 32768), ("i32", 2_147_483_648),
    ("i32", -2_147_483_649),
  ]

  @Test("a value outside the range of its field is refused", arguments: outOfRange)
  func range(format: String, value: Int64) throws {
    #expect(throws: PackFormat.Failure.self) { try PackFormat(format).pack([.integer(value)]) }
  }

  private static let negative: [(String, Int64)] = [
    ("u8", -1), ("u8", -128), ("u16", -2), ("u32", -100), ("u32", -2_147_483_648), ("u64", .min),
  ]

  @Test("an unsigned field takes the negative values of its width as two's complement", arguments: negative)
  func twosComplement(format: String, value: Int64) throws {
    let bytes = try PackFormat(format).pack([.integer(value)])
    let signed = try PackFormat("i" + format.dropFirst()).pack([.integer(value)])
    #expect(bytes == signed)
  }

  @Test("u64, and no other field, takes values above 2^63-1")
  func large() throws {
    #expect(try PackFormat("u64").pack([.large(1 << 63)]) == [0, 0, 0, 0, 0, 0, 0, 128])
    #expect(try PackFormat("u64").pack([.large(.max)]) == [UInt8](repeating: 255, count: 8))
    for format in ["i64", "u32", "i8"] {
      let error = #expect(throws: PackFormat.Failure.self) { try PackFormat(format).pack([.large(1 << 63)]) }
      #expect(error?.description == "value 1 (9223372036854775808) is out of the range of '\(format)'")
    }
    #expect(throws: PackFormat.Failure.self) { try PackFormat("4s").pack([.large(1 << 63)]) }
  }

  @Test("an error names the invalid specifier, or both lengths if the data is too short") func mistakes()
    throws
  {
    let bad = #expect(throws: PackFormat.Failure.self) { try PackFormat("u8 q4") }
    #expect(bad?.description.contains("'q4'") == true)
    let short = #expect(throws: PackFormat.Failure.self) { try PackFormat("u64").unpack([1, 2, 3], at: 1) }
    #expect(short?.description == "the format needs 8 bytes from offset 1, but the data has 3")
    #expect(throws: PackFormat.Failure.self) { try PackFormat("u8").unpack([1], at: -1) }
    #expect(throws: PackFormat.Failure.self) { try PackFormat("99999999999x") }
    #expect(throws: PackFormat.Failure.self) { try PackFormat("u8").pack([]) }
  }
}
