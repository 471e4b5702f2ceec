import Testing

@testable import ProviumSystem

@Suite("Basic regular expressions")
struct BasicRegularExpressionTests {
  private func matches(_ pattern: String, _ line: String) throws -> Bool {
    try BasicRegularExpression(Array(pattern.utf8)).matches(Array(line.utf8))
  }

  @Test(
    "a pattern matches the lines that grep finds with it",
    arguments: [
      ("kacs-core", "kacs-core: up", "kacsscore: up"), (#"kacs\[3\]"#, "kacs[3]: x", "kacs3"),
      (#"a\|b"#, "xxb", "c"), (#"\(ab\)\1"#, "abab", "abba"), (#"a\{2,3\}"#, "baab", "bab"),
      ("^x", "xy", "yx"),
      ("x$", "yx", "xy"), ("[0-9]", "a7", "a"), ("[[:upper:]]", "aB", "ab"), ("[^a]", "ab", "aa"),
      (#"a\+b"#, "aab", "b"), (#"^ab\?c$"#, "ac", "abbc"), ("a+b", "a+b", "aab"), ("a|b", "a|b", "a"),
      ("(x)", "(x)", "x"), ("a{2}", "a{2}", "aa"), ("*x", "*x", "x"), ("a.c", "abc", "ac"),
      (#"a\.c"#, "a.c", "abc"),
      ("one\ntwo", "xtwo", "three"), (#"\<up\>"#, "is up.", "upper"), ("%", "100%", "100"),
      ("a-b", "a-b", "ab"),
    ]
  )
  func matching(_ pattern: String, _ line: String, _ other: String) throws {
    #expect(try matches(pattern, line))
    #expect(try !matches(pattern, other))
  }

  @Test("an empty pattern matches every line, also the empty one")
  func empty() throws {
    #expect(try matches("", ""))
    #expect(try matches("", "x"))
    #expect(try BasicRegularExpression([]).matchingLines(of: Array("a\n\nb".utf8)) == Array("a\n\nb\n".utf8))
  }

  @Test("lines are bytes: invalid UTF-8 is text, and a NUL does not end the line")
  func bytes() throws {
    let pattern = try BasicRegularExpression(Array("a.b".utf8))
    #expect(pattern.matches([0x00, 0x61, 0xff, 0x62]))
    #expect(try BasicRegularExpression(Array("^a[^x]b$".utf8)).matches([0x61, 0x00, 0x62]))
    #expect(try BasicRegularExpression(Array("ab".utf8)).matches([0x00, 0x61, 0x62, 0x00]))
    #expect(try !BasicRegularExpression(Array("^b".utf8)).matches([0x61, 0x00, 0x62]))
    #expect(try BasicRegularExpression([0xff]).matches([0x61, 0xff]))
    #expect(pattern.matchingLines(of: Array("x\na\0axb\naxb".utf8)) == Array("a\0axb\naxb\n".utf8))
  }

  @Test("an invalid pattern says why", arguments: ["a\\(", "[a", "a\\{2", "\\(a\\)\\2", "a\0b", "x\n\\("])
  func invalid(_ pattern: String) {
    let error = #expect(throws: BasicRegularExpression.Invalid.self) {
      try BasicRegularExpression(Array(pattern.utf8))
    }
    #expect(error?.description.isEmpty == false)
  }

  @Test("a hostile line takes bounded time: what is beyond the longest line is not searched")
  func hostile() throws {
    let pattern = try BasicRegularExpression(Array(#"\(a*\)*b"#.utf8))
    #expect(!pattern.matches(repeatElement(0x61, count: 50_000_000)))
    #expect(try !matches("x", String(repeating: "a", count: BasicRegularExpression.longestLine) + "x"))
  }

  @Test("searching stops when the caller has had enough")
  func stopped() throws {
    var count = 0
    let pattern = try BasicRegularExpression(Array("a".utf8))
    let lines = pattern.matchingLines(of: Array("a\na\na\na\n".utf8)) {
      count += 1
      return count > 2
    }
    #expect(lines == Array("a\na\n".utf8))
  }
}
