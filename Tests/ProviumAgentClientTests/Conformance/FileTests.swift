import Glibc
import ProviumSystem
import Testing

@testable import ProviumAgentClient

@Suite("A real agent's files", .timeLimit(.minutes(15))) struct FileTests {
  @Test("are whole when larger than one message", arguments: LinkKind.allCases) func large(_ kind: LinkKind)
    throws
  {
    let guest = try RealAgent(kind)
    let data = [UInt8].pattern(17 << 20 | 3)
    try guest.connection.writeFile(guest.path("big"), data, until: .soon)
    #expect(try guest.connection.stat(guest.path("big"), until: .soon).size == UInt64(data.count))
    #expect(try guest.connection.readFile(guest.path("big"), until: .soon) == data)
  }

  @Test("can be empty", arguments: LinkKind.allCases) func empty(_ kind: LinkKind) throws {
    let guest = try RealAgent(kind)
    try guest.connection.writeFile(guest.path("empty"), [], until: .soon)
    #expect(try guest.connection.readFile(guest.path("empty"), until: .soon) == [])
  }

  @Test("get a mode exactly, whatever the umask", arguments: LinkKind.allCases) func mode(_ kind: LinkKind)
    throws
  {
    let guest = try RealAgent(kind)
    try guest.connection.writeFile(guest.path("script"), .text("#!/bin/sh\n"), mode: 0o777, until: .soon)
    #expect(try guest.connection.stat(guest.path("script"), until: .soon).mode == 0o100777)
  }

  @Test("are copied from an open file of the host", arguments: LinkKind.allCases) func copied(
    _ kind: LinkKind
  ) throws {
    let guest = try RealAgent(kind)
    let data = [UInt8].pattern(1 << 20)
    let source = guest.path("source").description
    try Files.write(data, to: source)
    let file = try Descriptor.open(source, O_RDONLY)
    try guest.connection.writeFile(guest.path("copy"), from: file.raw, until: .soon)
    #expect(try Files.read(guest.path("copy").description) == data)
  }

  @Test("of /proc are read though their size is 0", arguments: LinkKind.allCases) func proc(_ kind: LinkKind)
    throws
  {
    let guest = try RealAgent(kind)
    #expect(try guest.connection.readFile("/proc/version", until: .soon).text.contains("Linux version"))
  }

  @Test("that cannot be had are refused with errno and path", arguments: LinkKind.allCases)
  func refused(_ kind: LinkKind) throws {
    let guest = try RealAgent(kind)
    let cases: [(() throws -> Void, String, String)] = [
      ({ _ = try guest.connection.readFile("/nowhere", until: .soon) }, "ENOENT", "/nowhere"),
      ({ _ = try guest.connection.readFile("/tmp", until: .soon) }, "EISDIR", "/tmp"),
      (
        { try guest.connection.writeFile("/nowhere/file", .pattern(4 << 20), until: .soon) }, "ENOENT",
        "/nowhere/file"
      ),
      ({ _ = try guest.connection.list("/nowhere", until: .soon) }, "ENOENT", "/nowhere"),
      ({ _ = try guest.connection.stat("/nowhere", until: .soon) }, "ENOENT", "/nowhere"),
    ]
    for (operation, name, path) in cases {
      let error = #expect(throws: GuestError.self) { try operation() }
      guard case .refused(let errno, let message) = error else {
        throw error ?? GuestError.lost(.main, "no error")
      }
      #expect(errno.name == name && message.contains(path) && message.contains(name))
    }
    #expect(try guest.connection.echo([1], until: .soon) == [1])
  }

  @Test("larger than is accepted are given up, and the next operation works", arguments: LinkKind.allCases)
  func limit(_ kind: LinkKind) throws {
    let guest = try RealAgent(kind)
    let error = #expect(throws: GuestError.self) {
      try guest.connection.readFile("/dev/zero", limit: 3 << 20, until: .soon)
    }
    guard case .tooLarge = error else { throw error ?? GuestError.lost(.main, "no error") }
    #expect(try guest.connection.echo([1, 2], until: .soon) == [1, 2])
  }

  @Test("are listed by name and type", arguments: LinkKind.allCases) func list(_ kind: LinkKind) throws {
    let guest = try RealAgent(kind)
    try Files.createDirectories(guest.path("d/sub").description)
    for index in 0..<3000 { try Files.write([], to: guest.path("d/file-\(index)").description) }
    let entries = try guest.connection.list(guest.path("d"), until: .soon)
    #expect(entries.count == 3001)
    #expect(entries.first { $0.name == "sub" }?.type == UInt8(DT_DIR))
  }

  @Test("and echoes of 16 MiB come back whole", arguments: LinkKind.allCases) func echo(_ kind: LinkKind)
    throws
  {
    let guest = try RealAgent(kind)
    let data = [UInt8].pattern(WireLimit.payload)
    #expect(try guest.connection.echo(data, until: .soon) == data)
  }
}
