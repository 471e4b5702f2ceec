import ProviumSystem
import Testing

@Suite struct StringContainsTests {
  @Test(
    "a string contains a text if its bytes occur",
    arguments: [
      ("kernel panic", "panic", true), ("kernel panic", "kernel", true), ("kernel", "kernel panic", false),
      ("a\r\nb", "\n", true), ("e\u{301}", "\u{e9}", false), ("", "a", false), ("a", "", false),
    ]
  )
  func containsText(whole: String, text: String, expected: Bool) {
    #expect(whole.contains(text) == expected)
    #expect("<\(whole)>".dropFirst().dropLast().contains(text) == expected)
  }
}
