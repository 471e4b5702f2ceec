import Glibc
import ProviumShare
import ProviumSystem
import Testing

@Suite struct HostileKernelTests {
  /// Bytes that are often a valid request with one wrong part.
  private func message(_ kernel: ScriptedKernel, _ random: inout SeededGenerator) -> [UInt8] {
    let operations: [UInt32] = [1, 2, 3, 5, 14, 15, 17, 22, 23, 26, 27, 28, 42, 44, 46]
    let operation =
      random.next() % 8 == 0
      ? UInt32.random(in: 0...100, using: &random) : operations.randomElement(using: &random) ?? 1
    let node = random.next() % 8 == 0 ? random.next() : UInt64.random(in: 0...12, using: &random)
    var body: [UInt8]
    switch random.next() % 4 {
    case 0:
      body = Array((["sub", "file", "link", "..", "missing"].randomElement(using: &random) ?? "").utf8) + [0]
    case 1:
      body = (0..<Int.random(in: 0...80, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random)
      }
    default:
      let offset = random.next() % 4 == 0 ? random.next() : UInt64.random(in: 0...9, using: &random)
      let size = random.next() % 4 == 0 ? UInt32.max : UInt32.random(in: 0...5000, using: &random)
      body =
        ScriptedKernel.bytes(UInt64(7)) + ScriptedKernel.bytes(offset) + ScriptedKernel.bytes(size)
        + [UInt8](repeating: 0, count: 20)
    }
    var message = kernel.message(operation, node, body)
    if random.next() % 16 == 0 {
      message[Int.random(in: 0..<message.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
    }
    if random.next() % 16 == 0 { message.removeLast(Int.random(in: 0...message.count, using: &random)) }
    return message
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func `random messages get whole replies, and harm neither the server nor the host`(seed: UInt64) throws {
    try withFolder { folder in
      mkdir("\(folder)/sub", 0o755)
      try Files.write([UInt8](repeating: 7, count: 9000), to: "\(folder)/sub/file")
      symlink("/etc/passwd", "\(folder)/link")
      mkfifo("\(folder)/sub/fifo", 0o600)
      let kernel = try ScriptedKernel(
        ShareSettings(folder: folder),
        watch: FolderWatch(),
        sendsAhead: true
      )
      var random = SeededGenerator(seed: seed)
      for _ in 0..<8000 {
        let message = message(kernel, &random)
        guard let reply = kernel.exchange(message), !reply.isEmpty else { continue }
        let (length, error, unique) = reply.withUnsafeBytes {
          (
            $0.loadUnaligned(as: UInt32.self), $0.loadUnaligned(fromByteOffset: 4, as: Int32.self),
            $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
          )
        }
        #expect(Int(length) == reply.count)
        #expect(error <= 0 && error > -512)
        #expect(unique == message.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self) })
        if error != 0 { #expect(reply.count == 16) }
        // Whole answers, or the end of the test's process.
        let ahead = kernel.takeAhead()
        #expect(ahead.count <= 64 && ahead.reduce(0) { $0 + $1.data.count } <= 128 << 10)
      }
      #expect(kernel.server.table.count <= 5)
      let saved = kernel.server.table.saved
      #expect(try NodeTable(saved: saved) == kernel.server.table)
      // A damaged table is refused, or is a table.
      for _ in 0..<500 {
        var damaged = saved
        damaged[Int.random(in: 0..<damaged.count, using: &random)] ^= UInt8.random(
          in: 1...255,
          using: &random
        )
        if random.next() % 4 == 0 { damaged.removeLast(Int.random(in: 0...damaged.count, using: &random)) }
        guard let table = try? NodeTable(saved: damaged) else { continue }
        let second = try ScriptedKernel(ShareSettings(folder: folder), table: table)
        for node in 0...6 as ClosedRange<UInt64> { _ = second.read(node) }
      }
    }
  }
}
