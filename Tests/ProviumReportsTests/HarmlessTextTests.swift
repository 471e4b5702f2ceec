import ProviumSystem
import ProviumReports
import ProviumSystem
import Testing

@Suite("Cleaned text") struct HarmlessTextTests {
  @Test(
    "loses its escape sequences",
    arguments: [
      ("\u{1B}[31mred\u{1B}[0m", "red"), ("\u{1B}]0;title\u{7}a", "a"),
      ("\u{1B}]8;;http://x\u{1B}\\link", "link"),
      ("\u{9B}2Jb", "b"), ("\u{1B}(Bc", "c"), ("\u{1B}Pq#0\u{1B}\\d", "d"), ("\u{1B}[?25l\u{1B}[1;1Hx", "x"),
      ("\u{1B}", ""),
    ]
  )
  func sequences(raw: String, clean: String) { #expect(HarmlessText.clean(raw) == clean) }

  @Test("names control characters and marks that change the text's direction")
  func controls() {
    #expect(HarmlessText.clean("a\u{0}\u{7}\u{202E}b\u{FFFE}") == "a\\x00\\x07\\u{202E}b\\u{FFFE}")
  }

  @Test("keeps line ends of every kind as line ends, and other carriage returns visible")
  func lineEnds() {
    #expect(HarmlessText.lines("one\r\ntwo\n\n") == ["one", "two"])
    #expect(HarmlessText.clean("50%\r100%\r\r\n") == "50%\\x0d100%\n")
  }

  @Test("loses only one line to an escape sequence without an end")
  func unterminated() { #expect(HarmlessText.clean("a\u{1B}]0;never\nb\u{1B}\nc") == "a\nb\nc") }

  @Test("keeps emoji, combining marks and right-to-left letters")
  func untouched() { #expect(HarmlessText.clean("👩‍🚀 é שלום") == "👩‍🚀 é שלום") }

  @Test("is cut to columns, not to characters, and ends with an ellipsis")
  func fitted() {
    #expect(DisplayWidth.of("漢字👩‍🚀a") == 7)
    #expect(DisplayWidth.fitted("漢字漢字", 5) == "漢字…")
    #expect(DisplayWidth.fitted("abcde", 5) == "abcde")
    #expect(DisplayWidth.fitted("abcdef", 5) == "abcd…")
    #expect(DisplayWidth.padded("漢", 4) == "漢  ")
    #expect(DisplayWidth.fitted("abc", 0) == "")
  }

  @Test("is escaped for XML")
  func xml() {
    #expect(
      MarkupText.xml("a<b>&\"]]>\u{1}\u{FFFE}\u{1B}[1mz", isAttribute: true)
        == "a&lt;b&gt;&amp;&quot;]]&gt;\u{FFFD}\u{FFFD}z"
    )
    #expect(MarkupText.xml("a\nb\tc", isAttribute: true) == "a&#10;b&#9;c")
  }

  @Test("is escaped for HTML")
  func html() { #expect(MarkupText.html("<script>'\"&\u{0}") == "&lt;script&gt;&#39;&quot;&amp;\\x00") }
}

@Suite("Amounts") struct AmountTests {
  @Test(
    "of time have a unit that fits",
    arguments: [(0.25, "250ms"), (2.91, "2.9s"), (72, "1m 12s"), (7500, "2h 5m"), (-1, "0.0ms")]
  )
  func durations(seconds: Double, text: String) { #expect(Amount.text(seconds: seconds) == text) }

  @Test("that are not finite do not trap", arguments: [Double.nan, .infinity, -.infinity, 1e300])
  func senseless(value: Double) {
    _ =
      Amount.text(seconds: value) + Amount.decimal(value) + Amount.timestamp(value)
      + Amount.clock(seconds: value)
  }

  @Test("have their decimals filled up")
  func decimals() {
    #expect(Amount.decimal(0.05) == "0.050")
    #expect(Amount.decimal(2.9999) == "3.000")
    #expect(Amount.timestamp(1_767_268_800) == "2026-01-01T12:00:00")
  }
}
