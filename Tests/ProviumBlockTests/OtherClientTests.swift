import Glibc
import ProviumBlock
import ProviumSystem
import Testing

/// A server that other programs connect to by a path, one after the other.
final class ListeningServer: Sendable {
  let path: String
  private let socket: Descriptor
  private let thread: DedicatedThread

  init(_ disk: BlockDisk, in folder: String) throws {
    let path = "\(folder)/nbd"
    self.path = path
    let raw = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    socket = Descriptor(owning: raw)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let bound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(raw, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard bound == 0, listen(raw, 8) == 0 else { throw SystemError("listen on", path) }
    thread = try DedicatedThread(name: "listen") {
      var servers: [NBDServer] = []
      while true {
        let client = accept(raw, nil, nil)
        guard client >= 0, let server = try? NBDServer(disk, on: Descriptor(owning: client)) else { break }
        servers.append(server)
      }
    }
  }

  func stop() {
    shutdown(socket.raw, Int32(SHUT_RDWR))
    thread.join()
  }
}

@Suite("Other programs use the NBD server")
struct OtherClientTests {
  private func run(_ program: String, _ arguments: [String]) throws -> String {
    let path = try #require(ToolRun.find(program))
    return try ToolRun.run(path, arguments, deadline: .after(.seconds(60))).outputText
  }

  private func withServer(_ size: Int, _ body: (BlockDisk, String) throws -> Void) throws {
    try withFolder { folder in
      let disk = try BlockDisk(testing: size)
      let server = try ListeningServer(disk, in: folder)
      defer { server.stop() }
      try body(disk, server.path)
    }
  }

  @Test(
    "nbdinfo reads the size, the block sizes, and what the disk can",
    .enabled(if: ToolRun.find("nbdinfo") != nil)
  )
  func nbdinfo() throws {
    try withServer(3 << 20) { _, path in
      let text = try run("nbdinfo", ["nbd+unix:///?socket=\(path)"])
      for part in [
        "export-size: 3145728", "can_flush: true", "can_fua: true", "can_trim: true", "can_zero: true",
        "is_read_only: false", "block_size_minimum: 512", "block_size_preferred: 4096", "fixed",
      ] { #expect(text.contains(part), "\(part) in \(text)") }
    }
  }

  @Test("nbdcopy copies an image in and out again", .enabled(if: ToolRun.find("nbdcopy") != nil))
  func nbdcopy() throws {
    try withServer(8 << 20) { disk, path in
      var generator = SeededGenerator(seed: 5)
      var image = block(0, 8 << 20)
      for index in stride(from: 0, to: image.count, by: 3) where index / 65536 % 3 != 1 {
        image[index] = UInt8.random(in: 0...255, using: &generator)
      }
      try Files.write(image, to: "\(path).in")
      _ = try run("nbdcopy", ["--flush", "\(path).in", "nbd+unix:///?socket=\(path)"])
      #expect(try disk.read(at: 0, count: image.count) == image)
      #expect(!disk.hasUnflushed)
      _ = try run("nbdcopy", ["nbd+unix:///?socket=\(path)", "\(path).out"])
      #expect(try Files.read("\(path).out") == image)
    }
  }

  @Test("qemu-io writes, discards and zeroes, also with FUA", .enabled(if: ToolRun.find("qemu-io") != nil))
  func qemuIO() throws {
    try withServer(1 << 20) { disk, path in
      let commands = [
        "write -P 7 0 64k", "write -f -P 8 4k 4k", "write -z 16k 8k", "discard 32k 4k", "flush",
        "read -P 7 0 4k",
      ]
      let text = try run(
        "qemu-io",
        ["-f", "raw"] + commands.flatMap { ["-c", $0] } + ["nbd+unix:///?socket=\(path)"]
      )
      #expect(!text.contains("Pattern verification failed"))
      let expected =
        block(7) + block(8) + block(7, 8192) + block(0, 8192) + block(7, 8192) + block(0) + block(7, 28672)
      #expect(try disk.read(at: 0, count: 65536, from: .durable) == expected)
    }
  }
}
