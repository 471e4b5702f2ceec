import ProviumSystem
import Testing

@Suite("Text with control characters") struct HarmlessTextTests {
  private static let text =
    "a\u{1B}[1mb\u{1B}]0;title\u{7}c\td\u{7}e\u{9B}31mf\u{85}g\u{202E}h\u{FFFE}i\rj\r\nk\nl"

  @Test(
    "loses its escape sequences, and is treated by the policy",
    arguments: [
      (HarmlessText.Policy.named, "abc\td\\x07ef\\x85g\\u{202E}h\\u{FFFE}i\\x0dj\nk\nl"),
      (.xml, "abc\td\u{FFFD}ef\u{FFFD}g\u{202E}h\u{FFFD}i\u{FFFD}j\nk\nl"),
      (.removed, "abc defg\u{202E}h\u{FFFE}ijkl"),
    ]
  )
  func policies(policy: HarmlessText.Policy, cleaned: String) {
    #expect(HarmlessText.clean(Self.text, policy) == cleaned)
  }

  @Test("is not changed when it is plain", arguments: [HarmlessText.Policy.named, .xml, .removed])
  func plain(policy: HarmlessText.Policy) {
    #expect(HarmlessText.clean("plain text: äöü 👩‍🚀", policy) == "plain text: äöü 👩‍🚀")
  }
}
