import Testing

@testable import ProviumSystem

@Suite("A path as text") struct PathTextTests {
  @Test(
    "decoding and encoding a path returns its bytes",
    arguments: [
      Array("plain/größe".utf8), [0xFF], [0x61, 0x80, 0x62], [0xE2, 0x82], [0xF0, 0x9F, 0x90, 0xA7],
      // A surrogate, an overlong form, and a private character that itself means a byte.
      [0xED, 0xA0, 0x80], [0xC0, 0xAF], Array("\u{10FEFF}x".utf8), Array("\u{10FE80}".utf8), [],
    ] as [[UInt8]]
  )
  func roundTrip(bytes: [UInt8]) { #expect(PathText.encode(PathText.decode(bytes)) == bytes) }

  @Test("every byte, and every pair of bytes, survives") func everyPair() {
    for first in UInt8.min...UInt8.max {
      for second in UInt8.min...UInt8.max where first != 0 && second != 0 {
        let bytes = [first, second]
        guard PathText.encode(PathText.decode(bytes)) != bytes else { continue }
        Issue.record("\(bytes) became \(PathText.encode(PathText.decode(bytes)))")
      }
    }
  }

  @Test("bytes that are not UTF-8 are shown in hexadecimal, and different paths stay different") func visible() {
    #expect(PathText.visible("größe\\x.lua") == "größe\\x.lua")
    #expect(PathText.visible(PathText.decode([0x61, 0xFF, 0x5C])) == "a\\xFF\\\\")
    #expect(PathText.visible(PathText.decode([0xFE])) != PathText.visible(PathText.decode([0xFF])))
  }

  @Test("strings of different normal forms are different exact strings") func exact() {
    let forms = ["\u{E9}", "e\u{301}"]
    #expect(forms[0] == forms[1])
    #expect(Set(forms.map { ExactString($0) }).count == 2)
    #expect(ExactString(forms[1]) < ExactString(forms[0]))
  }
}
