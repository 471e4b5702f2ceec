import Testing

@testable import ProviumAgentClient

@Suite("A reader of link frames") struct LinkParserTests {
  /// Frames found in `bytes`, given in pieces of `step`.
  private func frames(_ bytes: [UInt8], step: Int) throws -> [(LinkFrameType, UInt16, [UInt8])] {
    var parser = LinkParser()
    let raw = ByteQueue()
    var found: [(LinkFrameType, UInt16, [UInt8])] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      raw.append(Array(rest.prefix(step)))
      rest = rest.dropFirst(step)
      while let frame = try parser.next(in: raw) {
        found.append((frame.type, frame.channel, [UInt8](copying: frame.payload)))
      }
    }
    return found
  }

  @Test("makes a header of magic, type, channel, length and two checks") func layout() {
    let frame = LinkFrame.bytes(.data, channel: 0x0203, payload: [1, 2, 3])
    #expect(frame.count == 23)
    #expect(Array(frame.prefix(12)) == [0x50, 0x56, 0x4C, 0x4B, 1, 0, 3, 2, 3, 0, 0, 0])
    #expect(Array(frame.suffix(3)) == [1, 2, 3])
  }

  @Test("finds frames between padding and rubbish, however they come", arguments: [1, 7, 23, 64, 100_000])
  func finds(_ step: Int) throws {
    let zeros = [UInt8](repeating: 0, count: 50)
    let rubbish: [UInt8] = .text("PPVLPVLKPVLK") + [1, 0, 0, 0]
    let bytes =
      zeros + LinkFrame.bytes(.data, channel: 2, payload: .text("one")) + rubbish
      + LinkFrame.bytes(.close, channel: 9) + zeros + LinkFrame.bytes(.data, payload: .pattern(3000))
      + rubbish
      + [UInt8](repeating: 0, count: 20)
    let found = try frames(bytes, step: step)
    #expect(found.map(\.0) == [.data, .close, .data])
    #expect(found.map(\.1) == [2, 9, 0])
    #expect(found.map(\.2) == [.text("one"), [], .pattern(3000)])
  }

  @Test("finds the frame that begins inside a broken one") func nested() throws {
    var broken = LinkFrame.bytes(.data, payload: LinkFrame.bytes(.data, payload: .text("inner")) + [0])
    broken[broken.count - 1] ^= 1
    #expect(try frames(broken, step: 5).map(\.2) == [.text("inner")])
  }

  @Test("the parser fails after too many frames with wrong checksums") func falseFrames() {
    var broken = LinkFrame.bytes(.data, payload: [1, 2, 3])
    broken[20] ^= 1
    let many = Array(repeatElement(broken, count: 300).joined())
    #expect(throws: TransportFailure.self) { try frames(many, step: 1000) }
  }

  @Test("finds every whole frame in a stream with random damage", arguments: 0..<12) func damage(
    _ seed: UInt64
  ) throws {
    var generator = SeededGenerator(seed)
    var bytes: [UInt8] = []
    var expected: [[UInt8]] = []
    for number in 0..<150 {
      let payload = little(UInt32(number)) + [UInt8].pattern(Int.random(in: 0...600, using: &generator))
      var frame = LinkFrame.bytes(.data, channel: 1, payload: payload)
      switch Int.random(in: 0..<4, using: &generator) {
      case 0: frame[Int.random(in: 0..<frame.count, using: &generator)] ^= 0x40
      case 1: bytes += [UInt8](repeating: 0, count: Int.random(in: 0...64, using: &generator)); fallthrough
      default: expected.append(payload)
      }
      bytes += frame
    }
    // So that nothing waits for the rest of a frame whose length was damaged into a larger one that cannot be: the
    // header's own check sees to that.
    let found = try frames(bytes, step: Int.random(in: 1...4000, using: &generator))
    #expect(found.map(\.2) == expected)
  }
}
