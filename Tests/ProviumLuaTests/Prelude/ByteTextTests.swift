import Testing

@testable import ProviumLua

@Suite("Byte strings in messages")
struct ByteTextTests {
  @Test(
    "a byte string is quoted as Lua reads it",
    arguments: [
      ("plain", #""plain""#), ("a\"b\\c", #""a\"b\\c""#), ("\n\t\r", #""\n\t\r""#),
      ("\u{7f}\u{1b}", #""\x7f\x1b""#),
      ("grüße €😀", #""grüße €😀""#), ("\u{85}", #""\xc2\x85""#),
    ]
  )
  func quoted(_ text: String, _ expected: String) {
    #expect(ByteText.quoted(Array(text.utf8)) == expected)
  }

  @Test("a byte string that is not text has its hex beside it")
  func hex() {
    #expect(ByteText.quotedWithHex([0x61, 0xff]) == #""a\xff" [61 ff]"#)
    #expect(ByteText.quotedWithHex(Array("a\tb\n".utf8)) == #""a\tb\n""#)
    #expect(
      ByteText.quotedWithHex(Array(repeating: 0, count: 500)).hasSuffix(
        "… (500 bytes) [\(Array(repeating: "00", count: 32).joined(separator: " ")) …]"
      )
    )
  }

  @Test("a long byte string is clipped")
  func clipped() {
    #expect(ByteText.quoted(Array("abcdef".utf8), limit: 3) == #""abc"… (6 bytes)"#)
  }

  @Test("a difference of lines keeps the common ones")
  func lines() {
    let difference = LineDifference(["a", "b", "c", "d"], ["a", "x", "c", "d", "e"])
    #expect(
      difference.lines == [
        .common("a"), .expected("b"), .actual("x"), .common("c"), .common("d"), .actual("e"),
      ]
    )
    #expect(LineDifference([], ["a"]).lines == [.actual("a")])
    #expect(LineDifference(["a"], ["a"]).rendered(context: 2, limit: 10).isEmpty)
    let many = LineDifference((0..<3000).map { "l\($0)" }, (0..<3000).map { "r\($0)" })
    #expect(many.rendered(context: 2, limit: 60).count == 61)
  }

  @Test("texts that differ only in their last line end say so")
  func lineEnd() {
    let text = TextDifference.describe(expected: Array("a\nb\n".utf8), actual: Array("a\nb".utf8))
    #expect(text == #"texts differ only in the line end at their end: expected "a\nb\n", got "a\nb""#)
  }
}
