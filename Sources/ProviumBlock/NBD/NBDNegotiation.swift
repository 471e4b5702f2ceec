import ProviumSystem

/// The server's part of the negotiation, as a pure machine: it says how many bytes it needs, takes them, and says what to
/// do. Whatever the client sends, it needs at most `longestOption` bytes at once.
package struct NBDNegotiation: Sendable {
  package enum Step: Sendable, Hashable {
    /// Send the bytes, and go on.
    case send([UInt8])
    /// Send the bytes: requests follow.
    case transmit([UInt8])
    /// Send the bytes, and close the connection.
    case close([UInt8])
  }

  private enum State {
    case clientFlags
    case optionHeader
    case option(UInt32)
    /// Bytes of an option that is too long are skipped.
    case skip(UInt32, left: Int)
  }

  private let export: NBDExport
  private var state = State.clientFlags
  private var omitsZeroes = false
  private var optionCount = 0
  /// The bytes that `take` needs next; never 0.
  package private(set) var needed = 4

  private static let longestOption = 65536
  /// A client that negotiates without end is cut off.
  private static let mostOptions = 100

  package init(export: NBDExport) { self.export = export }

  /// The first bytes of the connection.
  package static var greeting: [UInt8] {
    bytes(NBDCode.initialMagic) + bytes(NBDCode.optionMagic) + bytes(NBDCode.handshakeFlags)
  }

  /// - Parameter input: exactly `needed` bytes.
  package mutating func take(_ input: [UInt8]) -> Step {
    switch state {
    case .clientFlags:
      let flags: UInt32 = input.integer(at: 0, .bigEndian) ?? 0
      guard flags & 1 == 1, flags & ~0b11 == 0 else { return .close([]) }
      omitsZeroes = flags & NBDCode.noZeroes != 0
      return expectOption(after: .send([]))
    case .optionHeader: return header(input)
    case .option(let option): return answer(option, input)
    case .skip(let option, let left): return skip(option, left: left - input.count)
    }
  }

  private mutating func expectOption(after step: Step) -> Step {
    (state, needed) = (.optionHeader, 16)
    return step
  }

  private mutating func header(_ input: [UInt8]) -> Step {
    optionCount += 1
    guard input.integer(at: 0, as: UInt64.self, .bigEndian) == NBDCode.optionMagic,
      let option: UInt32 = input.integer(at: 8, .bigEndian),
      let length: UInt32 = input.integer(at: 12, .bigEndian),
      optionCount <= Self.mostOptions
    else { return .close([]) }
    if length == 0 { return answer(option, []) }
    if length > UInt32(Self.longestOption) { return skip(option, left: Int(length)) }
    (state, needed) = (.option(option), Int(length))
    return .send([])
  }

  private mutating func skip(_ option: UInt32, left: Int) -> Step {
    guard left > 0 else { return expectOption(after: .send(reply(option, NBDCode.OptionReply.tooBig))) }
    (state, needed) = (.skip(option, left: left), min(left, Self.longestOption))
    return .send([])
  }

  private mutating func answer(_ number: UInt32, _ data: [UInt8]) -> Step {
    switch NBDCode.Option(rawValue: number) {
    case .exportName:
      guard data.isEmpty else { return .close([]) }
      let zeroes = [UInt8](repeating: 0, count: omitsZeroes ? 0 : 124)
      return .transmit(Self.bytes(UInt64(export.size)) + Self.bytes(NBDCode.transmissionFlags) + zeroes)
    case .abort: return .close(reply(number, NBDCode.OptionReply.acknowledged))
    case .list:
      guard data.isEmpty else {
        return expectOption(after: .send(reply(number, NBDCode.OptionReply.invalid)))
      }
      let name = reply(number, NBDCode.OptionReply.server, Self.bytes(UInt32(0)))
      return expectOption(after: .send(name + reply(number, NBDCode.OptionReply.acknowledged)))
    case .info: return expectOption(after: .send(information(number, data).reply))
    case .go:
      let (isGranted, reply) = information(number, data)
      return isGranted ? .transmit(reply) : expectOption(after: .send(reply))
    case nil: return expectOption(after: .send(reply(number, NBDCode.OptionReply.unsupported)))
    }
  }

  /// The reply to INFO and GO: the size of the name (u32), the name, the number of requests (u16), the requests.
  private func information(_ option: UInt32, _ data: [UInt8]) -> (isGranted: Bool, reply: [UInt8]) {
    guard let length: UInt32 = data.integer(at: 0, .bigEndian), data.count >= 6,
      Int(length) <= data.count - 6,
      let requests: UInt16 = data.integer(at: 4 + Int(length), .bigEndian),
      data.count == 6 + Int(length) + 2 * Int(requests)
    else { return (false, reply(option, NBDCode.OptionReply.invalid)) }
    // The one export has the empty name.
    guard length == 0 else { return (false, reply(option, NBDCode.OptionReply.unknownExport)) }
    let size =
      Self.bytes(NBDCode.Info.export) + Self.bytes(UInt64(export.size))
      + Self.bytes(NBDCode.transmissionFlags)
    let blocks =
      Self.bytes(NBDCode.Info.blockSize) + Self.bytes(UInt32(export.sectorSize))
      + Self.bytes(UInt32(max(export.sectorSize, NBDExport.preferredSize)))
      + Self.bytes(UInt32(NBDExport.largestRequest))
    let info = NBDCode.OptionReply.info
    return (
      true,
      reply(option, info, size) + reply(option, info, blocks)
        + reply(option, NBDCode.OptionReply.acknowledged)
    )
  }

  private func reply(_ option: UInt32, _ type: UInt32, _ data: [UInt8] = []) -> [UInt8] {
    Self.bytes(NBDCode.optionReplyMagic) + Self.bytes(option) + Self.bytes(type)
      + Self.bytes(UInt32(data.count)) + data
  }

  static func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: number.bigEndian) { Array($0) }
  }
}
