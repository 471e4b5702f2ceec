import ProviumSystem
import Testing

@Suite("ShellWord") struct ShellWordTests {
  @Test(
    "a word is quoted only if a shell would not read it back unchanged",
    arguments: [
      ("uname", "uname"), ("--color=always", "--color=always"), ("", "''"), ("a b", "'a b'"), ("$x", "'$x'"),
      ("it's", "'it'\\''s'"), ("~", "'~'"), ("ü", "'ü'"),
    ]
  )
  func quoting(word: String, expected: String) { #expect(ShellWord.quoted(word) == expected) }

  @Test("a shell reads a quoted line back as the same words") func shell() throws {
    let words = ["", "it's", "a  b", "$HOME", "`x`", "\\", "\n", "*", "plain-1.2"]
    let run = try ToolRun.run("sh", ["-c", "printf '%s|' \(ShellWord.line(words))"])
    #expect(run.outputText == words.map { $0 + "|" }.joined())
  }
}
