import Glibc
import ProviumSystem
import Testing

@Suite("Path text") struct PathTextTests {
  private static let paths: [[UInt8]] =
    [
      "", "a/b.lua", "\u{e9}.lua", "e\u{301}.lua", "\u{e9}/e\u{301}", "\u{212B}", "\u{C5}", "A\u{30A}",
      "\u{1112}\u{1161}",
      "\u{D558}", "क्षि ไม่ 👩‍🚀", "/\u{301}x/y", "a\u{600}/b", "\u{10FF80}\u{10FFFF}", "\u{FA0E}\u{F900}",
      "\u{9C7}\u{9BE}",
      "\r\n\u{1B}",
    ].map { Array($0.utf8) } + [
      [0xFF], [0x62, 0xFF, 0x2F, 0xC3], [0xC3, 0xA9, 0xC3], [0xE2, 0x82], [0xF4, 0x8F, 0xBF, 0xBF],
      [0xED, 0xA0, 0x80],
      [0xF4, 0x90, 0x80, 0x80], [0x65, 0xCC], [0x81, 0x65], [0xC0, 0x80],
    ]

  @Test("keeps every byte of a path", arguments: paths) func roundTrip(path: [UInt8]) {
    let text = PathText.string(of: path)
    #expect(PathText.bytes(of: text) == path)
    #expect(PathText.canonical(text).utf8.elementsEqual(text.utf8))
    #expect(PathText.canonical(PathText.plain(text)).utf8.elementsEqual(text.utf8))
  }

  @Test("is equal only for equal bytes, also where plain strings are equal") func equality() {
    #expect(Set(Self.paths.map { PathText.string(of: $0) }).count == Self.paths.count)
    #expect(PathText.string(of: "\u{e9}.lua".utf8).utf8.elementsEqual("\u{e9}.lua".utf8))
    #expect(PathText.plain(PathText.string(of: "e\u{301}".utf8)).utf8.elementsEqual("e\u{301}".utf8))
  }

  @Test("splits at each slash", arguments: paths) func slashes(path: [UInt8]) {
    let parts = PathText.string(of: path).split(separator: "/", omittingEmptySubsequences: false)
    #expect(
      parts.map { PathText.bytes(of: String($0)) }
        == path.split(separator: 0x2F, omittingEmptySubsequences: false).map(Array.init)
    )
  }

  @Test("joins and splits random bytes without loss") func random() {
    var generator = SystemRandomNumberGenerator()
    let pieces: [[UInt8]] = Self.paths + [[0x2F], [0xCC, 0x81], [0x65], [0x80]]
    for _ in 0..<500 {
      let path = (0..<6).flatMap { _ in pieces.randomElement(using: &generator) ?? [] }
      let text = PathText.string(of: path)
      #expect(PathText.bytes(of: text) == path)
      #expect(PathText.string(of: PathText.bytes(of: text)) == text)
    }
  }

  @Test("is shown with its bytes") func display() {
    let text = PathText.string(of: Array("e\u{301}".utf8) + [0xFF])
    for policy in [HarmlessText.Policy.named, .xml] {
      #expect(HarmlessText.clean(text, policy) == "e\\xcc\\x81\\xff")
    }
  }

  @Test("lists, opens and removes files whose names are not UTF-8, or differ only in normal form")
  func files() throws {
    let folder = "/tmp/provium-paths-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    try Files.createDirectories(folder)
    defer { try? Files.removeTree(folder) }
    let names = [Array("\u{e9}".utf8), Array("e\u{301}".utf8), [0x62, 0xFF], [0x62, 0xFE]].map {
      PathText.string(of: $0)
    }
    for (number, name) in names.enumerated() { try Files.write([UInt8(number)], to: "\(folder)/\(name)") }
    let listed = try Files.list(folder)
    #expect(
      listed.map { PathText.bytes(of: $0) } == [
        [0x62, 0xFE], [0x62, 0xFF], [0x65, 0xCC, 0x81], [0xC3, 0xA9],
      ]
    )
    for (number, name) in names.enumerated() {
      #expect(try Files.read("\(folder)/\(name)") == [UInt8(number)])
      #expect(Files.canonical("\(folder)/\(name)") == "\(folder)/\(name)")
    }
    try Files.removeTree("\(folder)/\(names[1])")
    #expect(try Files.list(folder).count == 3)
  }
}
