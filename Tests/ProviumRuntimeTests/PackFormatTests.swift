import Testing

@testable import ProviumRuntime

@Suite("provium.pack") struct PackFormatTests {
  @Test("is little-endian, and padded only where it says") func layout() throws {
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

  @Test(
    "refuses what does not fit",
    arguments: [
      ("u8", 256), ("u8", -1), ("i8", 128), ("i8", -129), ("u16", 65536), ("i16", 32768), ("u32", 1 << 32),
      ("i32", 1 << 31), ("u32", -1),
    ]
  )
  func range(format: String, value: Int64) throws {
    #expect(throws: PackFormat.Failure.self) { try PackFormat(format).pack([.integer(value)]) }
  }

  @Test("names a bad specifier, and both lengths when data is too short") func mistakes() throws {
    let bad = #expect(throws: PackFormat.Failure.self) { try PackFormat("u8 q4") }
    #expect(bad?.description.contains("'q4'") == true)
    let short = #expect(throws: PackFormat.Failure.self) { try PackFormat("u64").unpack([1, 2, 3], at: 1) }
    #expect(short?.description == "the format needs 8 bytes from offset 1, but the data has 3")
    #expect(throws: PackFormat.Failure.self) { try PackFormat("u8").unpack([1], at: -1) }
    #expect(throws: PackFormat.Failure.self) { try PackFormat("99999999999x") }
    #expect(throws: PackFormat.Failure.self) { try PackFormat("u8").pack([]) }
  }
}
