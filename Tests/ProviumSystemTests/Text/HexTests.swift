import ProviumSystem
import Testing

@Suite("Hexadecimal text") struct HexTests {
  @Test("every byte becomes two lower-case digits, and comes back") func roundTrip() {
    let bytes = (0...255).map { UInt8($0) }
    let text = Hex.text(bytes)
    #expect(text.hasPrefix("000102") && text.hasSuffix("fdfeff") && text.count == 512)
    #expect(Hex.bytes(text) == bytes)
    #expect(Hex.bytes(text.uppercased()) == bytes)
    #expect(Hex.text(UInt8(0x0A)) == "0a")
  }

  @Test(
    "a text that is not whole bytes in hexadecimal gives no bytes",
    arguments: ["0", "0g", "+1", " 1", "é"]
  )
  func refused(_ text: String) { #expect(Hex.bytes(text) == nil) }

  @Test("an empty text gives no bytes and is not refused") func empty() { #expect(Hex.bytes("") == []) }
}
