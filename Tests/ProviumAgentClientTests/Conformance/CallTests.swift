import ProviumArchitecture
import ProviumSystem
import Testing

@testable import ProviumAgentClient

@Suite("A real agent's system calls", .timeLimit(.minutes(15))) struct CallTests {
  @Test("run on one thread, with descriptors that persist", arguments: LinkKind.allCases)
  func persist(_ kind: LinkKind) throws {
    let guest = try RealAgent(kind), connection = guest.connection
    #expect(try connection.call("getpid").value == Int64(connection.pid))
    let path = CallBuffer(argument: 1, bytes: .text("/proc/version\0"))
    let fd = try connection.call("openat", -100, 0, 0, buffers: [path]).value
    #expect(fd >= 0)
    let read = try connection.call(
      "read",
      fd,
      0,
      5,
      buffers: [CallBuffer(argument: 1, bytes: .text("....."))]
    )
    #expect(read.value == 5 && read.buffers == [.text("Linux")])
    #expect(try connection.call("close", fd).value == 0)
    #expect(try connection.call("close", fd).value == -9)
  }

  @Test("walk pointers inside buffers, in both directions", arguments: LinkKind.allCases)
  func pointers(_ kind: LinkKind) throws {
    let guest = try RealAgent(kind), connection = guest.connection
    let pipe = try connection.call(
      "pipe2",
      0,
      0,
      buffers: [CallBuffer(argument: 0, bytes: .init(repeating: 0, count: 8))]
    )
    let ends = pipe.buffers[0]
    let reader = Int64(ends[0]), writer = Int64(ends[4])
    func vectors(_ first: UInt64, _ second: UInt64) -> [UInt8] {
      little(UInt64(0)) + little(first) + little(UInt64(0)) + little(second)
    }
    let written = try connection.call(
      "writev",
      writer,
      0,
      2,
      buffers: [CallBuffer(argument: 1, bytes: vectors(5, 6))],
      pointers: [
        MemoryPointer(buffer: 1, offset: 0, length: 5, input: .text("hello")),
        MemoryPointer(buffer: 1, offset: 16, length: 6, input: .text(" world")),
      ]
    )
    #expect(written.value == 11)
    let read = try connection.call(
      "readv",
      reader,
      0,
      2,
      buffers: [CallBuffer(argument: 1, bytes: vectors(4, 16))],
      pointers: [
        MemoryPointer(buffer: 1, offset: 0, length: 4, isOutput: true),
        MemoryPointer(buffer: 1, offset: 16, length: 16, isOutput: true),
      ]
    )
    #expect(read.value == 11)
    #expect(
      read.outputs[0].text == "hell" && read.outputs[1].prefix(7).elementsEqual([UInt8].text("o world"))
    )
  }

  @Test("include ioctls, with a struct or without", arguments: LinkKind.allCases) func ioctls(
    _ kind: LinkKind
  ) throws {
    let guest = try RealAgent(kind), connection = guest.connection
    let pipe = try connection.call(
      "pipe2",
      0,
      0,
      buffers: [CallBuffer(argument: 0, bytes: .init(repeating: 0, count: 8))]
    )
    let reader = Int32(pipe.buffers[0][0]), writer = Int64(pipe.buffers[0][4])
    _ = try connection.call("write", writer, 0, 5, buffers: [CallBuffer(argument: 1, bytes: .text("12345"))])
    let count = try connection.ioctl(reader, 0x541B, [0, 0, 0, 0], until: .soon)
    #expect(count.value == 0 && count.data == [5, 0, 0, 0])
    let none = try connection.ioctl(reader, 0x5451, until: .soon)  // FIOCLEX
    #expect(none.value == 0 && none.data == nil)
    // SIOCGIFCONF: a struct with a pointer to the list.
    let socket = try connection.call("socket", 2, 2, 0).value
    let call = IoctlCall(
      descriptor: Int32(socket),
      command: 0x8912,
      data: little(Int32(40)) + [0, 0, 0, 0] + little(UInt64(0)),
      pointers: [MemoryPointer(offset: 8, length: 40, isOutput: true)]
    )
    let interfaces = try connection.ioctl(call, until: .soon)
    #expect(interfaces.value == 0 && interfaces.outputs.count == 1)
  }

  @Test("are exact to 64 bits", arguments: LinkKind.allCases) func exact(_ kind: LinkKind) throws {
    let guest = try RealAgent(kind)
    let address = try guest.connection.call("mmap", 0, 4096, 1, 0x22, -1, 0).value
    #expect(address > 1 << 32)
    #expect(try guest.connection.call("munmap", address, 4096).value == 0)
  }

  @Test("that block are interrupted by another thread", arguments: LinkKind.allCases)
  func interrupted(_ kind: LinkKind) throws {
    let guest = try RealAgent(kind), connection = guest.connection
    let hour = CallBuffer(argument: 0, bytes: little(Int64(3600)) + little(Int64(0)))
    // Until it has begun there is nothing to interrupt, so more than once.
    let stop = try EventDescriptor()
    let thread = try onThread("interrupter") {
      while (try? Readiness.waitReadable(stop.raw, until: .after(.milliseconds(50)))) == false {
        try? connection.interrupt(until: .soon)
      }
    }
    #expect(try connection.call("nanosleep", 0, 0, buffers: [hour]).value == -4)
    stop.raise()
    thread.join()
    #expect(try connection.echo([1], until: .soon) == [1])
  }

  @Test("that block past their deadline are ended, and the connection goes on", arguments: LinkKind.allCases)
  func overdue(_ kind: LinkKind) throws {
    let guest = try RealAgent(kind), connection = guest.connection
    let call = SystemCall(number: try #require(SyscallName.number("pause", .x86_64)))
    let begin = Deadline.now
    let error = #expect(throws: GuestError.self) {
      try connection.syscall(call, until: .after(.milliseconds(100)))
    }
    guard case .timedOut = error else { throw error ?? GuestError.lost(.main, "no error") }
    #expect(Deadline.now - begin < 1_500_000_000)
    #expect(try connection.call("getpid").value == Int64(connection.pid))
  }

  @Test("from two threads at once are refused, not mixed up", arguments: LinkKind.allCases)
  func inUse(_ kind: LinkKind) throws {
    let guest = try RealAgent(kind), connection = guest.connection
    let thread = try onThread("sleeper") {
      // Which of the two is refused is a race; this one insists.
      while true {
        do { _ = try connection.exec("sleep 0.5", until: .soon) } catch GuestError.inUse { continue } catch {}
        return
      }
    }
    var refusals = 0
    let end = Deadline.soon
    while refusals == 0 && !end.isExpired {
      do { _ = try connection.echo([1], until: .soon) } catch GuestError.inUse { refusals += 1 }
    }
    #expect(refusals == 1)
    thread.join()
    #expect(try connection.echo([1], until: .soon) == [1])
  }
}
