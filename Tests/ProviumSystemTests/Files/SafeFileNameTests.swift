import ProviumSystem
import Testing

@Suite("A safe file name") struct SafeFileNameTests {
  @Test(
    "every name becomes one component of a path",
    arguments: [
      ("net/base", "net-base"), ("vm1.log", "vm1.log"), ("..", "--"), (".", "-"), ("", "-"),
      ("a b\0c\n", "a-b-c-"),
      ("naïve", "na-ve"), ("١٢", "--"), ("e\u{301}x", "-x"),
    ]
  )
  func rule(_ text: String, _ name: String) { #expect(SafeFileName.make(text) == name) }

  @Test("a long name is cut") func long() {
    #expect(SafeFileName.make(String(repeating: "x", count: 300)).utf8.count == SafeFileName.defaultLimit)
    #expect(SafeFileName.make("abcdef", limit: 3) == "abc")
  }
}
