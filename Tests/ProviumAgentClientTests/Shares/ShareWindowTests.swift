import Glibc
import ProviumSystem
import Synchronization
import Testing

@testable import ProviumAgentClient

@Suite("The window of shared folders", .timeLimit(.minutes(5))) struct ShareWindowTests {
  /// A FUSE reply with so many bytes of data.
  private func reply(_ count: Int, _ byte: UInt8) -> [UInt8] {
    let length = UInt32(16 + count)
    return withUnsafeBytes(of: length) { Array($0) } + [0, 0, 0, 0] + [UInt8](repeating: 7, count: 8)
      + [UInt8](repeating: byte, count: count)
  }

  private func place(_ window: ShareWindow, _ count: Int) -> [UInt32]? {
    let bytes = reply(count, 1)
    guard let payload = bytes.withUnsafeBytes({ window.place($0) }) else { return nil }
    #expect(Array(payload.prefix(16)) == Array(bytes.prefix(16)))
    return (4..<7).map { word in
      payload.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: word * 4, as: UInt32.self) }
    }
  }

  @Test func `data is placed as far as the guest has taken what was placed before`() throws {
    let window = try ShareWindow(try ShareWindow.descriptor())
    let mebibyte = 1 << 20
    #expect(place(window, mebibyte) == nil, "before the guest has said that it sees the window")
    window.grant(UInt32(ShareWindow.size))
    #expect(place(window, 4096) == nil, "short data is no gain")
    #expect(place(window, 5000) == [0, 5000, 5000])
    for number in 0..<3 {
      #expect(place(window, mebibyte) == [UInt32(5000 + number * mebibyte), 1 << 20, 1 << 20])
    }
    #expect(place(window, mebibyte) == nil, "the window is full")
    window.grant(5000)
    let rest = UInt32(ShareWindow.size - 5000 - 3 * mebibyte)
    #expect(place(window, mebibyte) == nil, "the rest at the end is too short, and the beginning is in use")
    window.grant(1 << 20)
    #expect(place(window, mebibyte) == [0, 1 << 20, (1 << 20) + rest], "the rest at the end is left out")
  }

  @Test func `data that ends with the window is followed by data at its beginning`() throws {
    let window = try ShareWindow(try ShareWindow.descriptor())
    window.grant(UInt32(ShareWindow.size))
    for _ in 0..<4 { #expect(place(window, ShareWindow.size / 4) != nil) }
    window.grant(.max)
    #expect(place(window, 8192) == [0, 8192, 8192])
  }

  @Test func `a guest that sees the window gets long replies there, and short ones in frames`() throws {
    let memory = try ShareWindow.descriptor()
    let window = try ShareWindow(memory)
    let base = try #require(mmap(nil, ShareWindow.size, PROT_READ, MAP_SHARED, memory.raw, 0))
    defer { munmap(base, ShareWindow.size) }
    let seen = UnsafeRawBufferPointer(start: base, count: ShareWindow.size)
    let guest = try ListeningGuest(.share)
    let address = UInt(bitPattern: base)
    let results = Mutex<[String]>([])
    @Sendable func note(_ result: String) { results.withLock { $0.append(result) } }
    let thread = try onThread("guest") {
      let seen = UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: address), count: ShareWindow.size)
      let peer = guest.accept()
      peer.send(LinkFrame.bytes(.helloAcknowledged, payload: peer.receiveHello()))
      let offer = peer.receiveFrame()
      let mark = offer?.payload ?? []
      note("\(offer.map { "\($0.type)" } ?? "nothing") of \(mark.count) bytes")
      let isMarked = stride(from: 0, to: seen.count, by: 4096).allSatisfy {
        seen[$0..<$0 + 16].elementsEqual(mark)
      }
      note("marked: \(isMarked)")
      func ask() -> (type: LinkFrameType, channel: UInt16, payload: [UInt8])? {
        peer.send(LinkFrame.bytes(.data, channel: 3, payload: [1]))
        return peer.receiveFrame()
      }
      note("\(ask().map { "\($0.type) \($0.payload.count)" } ?? "nothing")")
      let size = withUnsafeBytes(of: UInt32(ShareWindow.size)) { Array($0) }
      peer.send(LinkFrame.bytes(.window, payload: size))
      let placed = ask()
      note("\(placed.map { "\($0.type) \($0.channel) \($0.payload.count)" } ?? "nothing")")
      note("data: \(seen[0..<10_000].allSatisfy { $0 == 9 }), \(seen[10_000])")
      peer.end()
    }
    let long = reply(10_000, 9)
    let connection = try ShareConnection(
      to: .sockets(prefix: guest.prefix, secret: .random()),
      serial: nil,
      window: window,
      liveness: nil,
      handler: { _, _, send in try long.withUnsafeBytes(send) }
    )
    thread.join()
    connection.close()
    #expect(
      results.withLock { $0 } == [
        "window of 16 bytes", "marked: true", "data 10016", "placed 3 32", "data: true, 0",
      ]
    )
    window.clear()
    #expect(seen.allSatisfy { $0 == 0 })
  }
}
