import ProviumJSON
import Testing

@Suite("A JSON text") struct JSONParserTests {
  private func value(_ text: String) throws -> JSONValue { try JSONParser.parse(text.utf8) }

  @Test("distinguishes integers from floats, and keeps 64 bits exact") func numbers() throws {
    #expect(
      try value("[1, 1.0, -9223372036854775808, 9223372036854775807, 18446744073709551615, 1e2, -0.5]")
        == .array([
          .integer(1), .number(1), .integer(.min), .integer(.max), .unsigned(.max), .number(100),
          .number(-0.5),
        ])
    )
  }

  @Test("keeps the order of members, names that differ only in Unicode form, and empty arrays")
  func structure() throws {
    #expect(
      try value(#"{"b": [], "a": {}, "\u00e9": null, "e\u0301": "\ud83d\ude00\n"}"#)
        == .object([
          .init("b", .array([])), .init("a", .object([])), .init("\u{e9}", .null),
          .init("e\u{301}", .string("😀\n")),
        ])
    )
  }

  @Test(
    "with a syntax error is refused with line and column",
    arguments: [
      ("", "the text ends too early at line 1, column 1"), ("[1,]", "expected a value at line 1, column 4"),
      ("[01]", "expected , or ] at line 1, column 3"),
      ("{\n \"a\": 1e400}", "1e400 is beyond the range of numbers at line 2, column 7"),
      ("[1\n,\n  18446744073709551616]", "18446744073709551616 does not fit 64 bits at line 3, column 3"),
      ("\u{feff}{}", "expected a value at line 1, column 1"), ("{\"a\" 1}", "expected : at line 1, column 6"),
      ("1.", "expected a digit at line 1, column 3"), ("-", "expected a digit at line 1, column 2"),
      ("+1", "expected a value at line 1, column 1"), ("1e+", "expected a digit at line 1, column 4"),
      ("[1 2]", "expected , or ] at line 1, column 4"), ("{a: 1}", "expected a name at line 1, column 2"),
      ("\"a\tb\"", "a control character in a string at line 1, column 3"),
      ("\"\\x\"", "an unknown escape at line 1, column 3"),
      ("\"abc", "the text ends in a string at line 1, column 5"),
      ("\"\\u+123\"", "expected four hexadecimal digits at line 1, column 4"),
      ("nul", "expected a value at line 1, column 1"),
      ("1 2", "something follows the value at line 1, column 3"),
      ("NaN", "expected a value at line 1, column 1"),
      (String(repeating: "[", count: 300), "nested too deeply at line 1, column 257"),
    ]
  )
  func refused(text: String, reason: String) {
    let fault = #expect(throws: JSONParser.Fault.self) { try value(text) }
    #expect(fault?.description == reason)
  }

  @Test("must be UTF-8") func encoding() {
    let fault = #expect(throws: JSONParser.Fault.self) {
      try JSONParser.parse(Array("[\n \"".utf8) + [0xff] + Array("\"]".utf8))
    }
    #expect(fault?.description == "a string that is not UTF-8 at line 2, column 2")
  }

  @Test("is equal to the value that was written") func roundTrip() throws {
    let whole = JSONValue.object([
      "execute": .string("a\"\u{1}\u{2028}"),
      "arguments": .object(["x": .array([.bool(true), .number(1.5)])]),
    ])
    #expect(try value(whole.text) == whole)
  }
}
