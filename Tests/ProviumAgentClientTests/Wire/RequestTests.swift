import Testing

@testable import ProviumAgentClient

@Suite("A request's bytes") struct RequestTests {
  @Test("of a command carry flags, timeout, directory and environment in front") func exec() throws {
    let options = ExecOptions(
      timeout: .milliseconds(1500),
      environment: [("A", "1"), ("B", "")],
      clearEnvironment: true,
      directory: "/tmp",
      stdin: []
    )
    let message = try Request.exec("ls", options)
    let payload: [UInt8] =
      [3, 0, 0, 0] + [0xDC, 5, 0, 0] + [4, 0, 0, 0] + .text("/tmp") + [2, 0, 0, 0] + [3, 0, 0, 0]
      + .text("A=1")
      + [2, 0, 0, 0] + .text("B=") + [2, 0, 0, 0] + .text("ls")
    #expect(message.contents == [0x0E] + little(UInt32(payload.count)) + payload)
  }

  @Test("of a plain command are all zeros in front of it") func plainExec() throws {
    #expect(
      try Request.exec("a", ExecOptions()).contents
        == [0x0E, 21, 0, 0, 0] + [UInt8](repeating: 0, count: 16) + [1, 0, 0, 0, 0x61]
    )
  }

  @Test("of a system call put specs first, then arguments, then buffers by ascending index") func syscall()
    throws
  {
    let call = SystemCall(
      number: 0x102,
      arguments: [-100, 7],
      buffers: [CallBuffer(argument: 3, bytes: [9]), CallBuffer(argument: 1, bytes: [1, 2])]
    )
    try call.check()
    let specs: [UInt8] = [1, 0, 0, 0, 2, 0, 0, 0] + [3, 0, 0, 0, 1, 0, 0, 0]
    let arguments = little(Int64(-100)) + little(Int64(7)) + little(Int64(0)) + little(Int64(0))
    let payload: [UInt8] = [2, 1, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0] + specs + arguments + [1, 2, 9]
    #expect(try Request.syscall(call).contents == [0x05] + little(UInt32(payload.count)) + payload)
  }

  @Test("of pointers name the position of the buffer, not its argument") func pointers() throws {
    let call = SystemCall(
      number: 20,
      arguments: [1, 0, 2],
      buffers: [CallBuffer(argument: 1, bytes: [UInt8](repeating: 0, count: 24))],
      pointers: [
        MemoryPointer(buffer: 1, offset: 0, length: 3, input: [7, 8]),
        MemoryPointer(buffer: 1, offset: 8, length: 2, isOutput: true),
        MemoryPointer(buffer: 1, offset: 16, length: 1, input: [5], isOutput: true),
      ]
    )
    try call.check()
    let specs: [UInt8] =
      [1, 0, 0, 0, 24, 0, 0, 0] + [0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]
      + [0, 0, 0, 0, 8, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0] + [0, 0, 0, 0, 16, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0]
    let arguments = little(Int64(1)) + little(Int64(0)) + little(Int64(2))
    let payload =
      [20, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0] + specs + arguments + [UInt8](repeating: 0, count: 24)
      + [7, 8, 0, 5]
    #expect(try Request.syscall(call).contents == [0x0C] + little(UInt32(payload.count)) + payload)
  }

  @Test("of an ioctl are descriptor, command and data") func ioctl() throws {
    #expect(
      try Request.ioctl(descriptor: -1, command: 0x8004_6601, data: [4]).contents
        == [0x06, 9, 0, 0, 0, 255, 255, 255, 255, 1, 0x66, 4, 0x80, 4]
    )
  }

  @Test("of an ioctl with pointers flag input and output apart") func ioctlBuffer() throws {
    let call = IoctlCall(
      descriptor: 3,
      command: 5,
      data: [UInt8](repeating: 1, count: 16),
      pointers: [
        MemoryPointer(offset: 0, length: 2, isOutput: true), MemoryPointer(offset: 8, length: 1, input: [6]),
      ]
    )
    try call.check()
    let payload: [UInt8] =
      [3, 0, 0, 0, 5, 0, 0, 0, 16, 0, 0, 0, 2, 0, 0, 0] + [0, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0]
      + [8, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0] + [UInt8](repeating: 1, count: 16) + [6]
    #expect(try Request.ioctl(call).contents == [0x0A] + little(UInt32(payload.count)) + payload)
  }

  @Test("of a file's piece leave the data where they are, and count them") func writePiece() throws {
    let piece = Request.FilePiece(path: "/f", offset: 1 << 33, isFirst: true, isLast: true, mode: 0o755)
    let message = try Request.write(piece, count: 10)
    #expect(
      message.contents
        == [0x10, 32, 0, 0, 0, 7, 0, 0, 0, 0xED, 1, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 0x2F, 0x66]
    )
    #expect(message.tailCount == 10)
  }

  @Test("of the others are as the header draws them") func others() throws {
    #expect(try Request.empty(.shutdown).contents == [4, 0, 0, 0, 0])
    #expect(try Request.text(.readStream, "/f").contents == [0x11, 2, 0, 0, 0, 0x2F, 0x66])
    #expect(try Request.text(.execAsync, "x").contents == [7, 1, 0, 0, 0, 0x78])
    #expect(
      try Request.collectJob(2, wait: .seconds(1), kill: true).contents
        == [0x17, 12, 0, 0, 0, 2, 0, 0, 0, 0xE8, 3, 0, 0, 1, 0, 0, 0]
    )
    #expect(try Request.spawnWorker(.thread).contents == [0x0B, 4, 0, 0, 0, 1, 0, 0, 0])
    #expect(try Request.killWorker(3, pid: 258).contents == [0x21, 8, 0, 0, 0, 3, 0, 0, 0, 2, 1, 0, 0])
    #expect(
      try Request.interrupt(target: 2, command: true, request: 9).contents
        == [0x20, 12, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0]
    )
    let nonce = [UInt8](repeating: 3, count: 16), seed = [UInt8](repeating: 4, count: 32)
    #expect(
      try Request.resume(nonce: nonce, realtimeNanoseconds: 1, seed: seed).contents
        == [0x0D, 56, 0, 0, 0] + nonce + [1, 0, 0, 0, 0, 0, 0, 0] + seed
    )
    let mount = MountRequest(source: "none", target: "/m", type: "tmpfs", flags: 2, data: "size=1M")
    #expect(
      try Request.mount(mount).contents
        == [0x14, 42, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0] + [4, 0, 0, 0] + .text("none") + [2, 0, 0, 0]
        + .text("/m")
        + [5, 0, 0, 0] + .text("tmpfs") + [7, 0, 0, 0] + .text("size=1M")
    )
  }

  @Test("cannot be more than one message carries") func tooLarge() {
    #expect(throws: InvalidArgument.self) { try Request.bytes(.echo, count: WireLimit.payload + 1) }
  }

  @Test(
    "round durations up, and never to the 0 that means none",
    arguments: [
      (Duration.zero, UInt32(1)), (.microseconds(1), 1), (.milliseconds(200), 200), (.microseconds(1500), 2),
      (.seconds(-5), 1), (.seconds(5_000_000_000), UInt32.max),
    ]
  ) func milliseconds(_ duration: Duration, _ expected: UInt32) {
    #expect(Request.wireMilliseconds(duration) == expected)
  }
}
