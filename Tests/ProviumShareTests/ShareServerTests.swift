import CLinux
import Glibc
import ProviumShare
import ProviumSystem
import Testing

@Suite struct ShareServerTests {
  private func write(_ text: String, _ path: String, seconds: Int = 1_000_000_000) throws {
    try Files.write(Array(text.utf8), to: path, mode: 0o644)
    age(path, seconds: seconds)
  }

  private func kernel(_ folder: String, table: NodeTable = NodeTable()) throws -> ScriptedKernel {
    let kernel = try ScriptedKernel(ShareSettings(folder: folder), table: table)
    if table.count == 0 { #expect(kernel.initialize().errno == 0) }
    return kernel
  }

  @Test func `a kernel finds files, their attributes, contents and links`() throws {
    try withFolder { folder in
      mkdir("\(folder)/sub", 0o755)
      try write("hello", "\(folder)/sub/file")
      symlink("../elsewhere", "\(folder)/sub/link")
      let kernel = try kernel(folder)
      let file = kernel.lookUp("file", in: kernel.node("sub"))
      #expect(file.data.count == 128)
      #expect(file.integer(UInt64.self, at: 40 + 8) == 5)
      #expect(file.integer(UInt64.self, at: 40 + 32) == 1_000_000_000)
      #expect(file.integer(UInt32.self, at: 40 + 52) == 5)
      #expect(file.integer(UInt32.self, at: 40 + 60) == S_IFREG | 0o644)
      #expect(file.integer(UInt32.self, at: 40 + 68) == 0, "the user's own files belong to root")
      let node = file.integer(UInt64.self, at: 0)
      #expect(kernel.attributes(node).integer(UInt64.self, at: 16 + 8) == 5)
      #expect(kernel.read(node, 1, 3).data == Array("ell".utf8))
      #expect(kernel.read(node, 5).data.isEmpty)
      #expect(kernel.send(5, kernel.node("sub/link")).data == Array("../elsewhere".utf8))
      #expect(kernel.send(5, node).errno == EINVAL)
      #expect(kernel.send(17, 1).data.count == 80)
      #expect(Array(kernel.server.report.read.keys) == [Array("sub/file".utf8)])
    }
  }

  @Test func `a missing name is an entry without a node, which the kernel may remember`() throws {
    try withFolder { folder in
      let reply = try kernel(folder).lookUp("missing")
      #expect(reply.errno == 0)
      #expect(reply.integer(UInt64.self, at: 0) == 0)
      #expect(reply.integer(UInt64.self, at: 16) == 1)
    }
  }

  @Test func `nothing outside the folder can be named`() throws {
    try withFolder { folder in
      mkdir("\(folder)/shared", 0o755)
      try write("secret", "\(folder)/secret")
      let kernel = try kernel("\(folder)/shared")
      for name in [
        "..", ".", "", "../secret", "a/../../secret", "/etc/passwd", String(repeating: "n", count: 256),
      ] {
        #expect(kernel.lookUp(name).errno == EINVAL, "\(name)")
      }
      #expect(kernel.send(1, 1, Array("secret".utf8)).errno == EINVAL, "a name without its zero")
    }
  }

  @Test func `a folder that the host replaces with a link leads nowhere`() throws {
    try withFolder { folder in
      for path in ["shared", "shared/sub", "outside"] { mkdir("\(folder)/\(path)", 0o755) }
      try write("inside", "\(folder)/shared/sub/file")
      try write("secret", "\(folder)/outside/file")
      let kernel = try kernel("\(folder)/shared")
      let (sub, file) = (kernel.node("sub"), kernel.node("sub/file"))
      rename("\(folder)/shared/sub", "\(folder)/shared/old")
      symlink("../outside", "\(folder)/shared/sub")
      #expect(kernel.read(file).errno == ESTALE)
      #expect(kernel.lookUp("file", in: sub).errno != 0)
      #expect(kernel.list(sub, plus: true).isEmpty)
    }
  }

  @Test(arguments: [true, false])
  func `a path with a link or dots in it is refused, with and without openat2`(hasOpenat2: Bool) throws {
    let open = hasOpenat2 ? clinux_open_beneath : clinux_walk_beneath
    try withFolder { folder in
      mkdir("\(folder)/sub", 0o755)
      try write("text", "\(folder)/sub/file")
      symlink("sub", "\(folder)/link")
      let root = try Descriptor.open(folder, O_RDONLY | O_DIRECTORY)
      func result(_ path: String) -> Int32 {
        let raw = open(root.raw, path, 0, false)
        if raw >= 0 { close(raw) }
        return min(raw, 0)
      }
      #expect(result("sub/file") == 0 && result("") == 0)
      #expect(result("link") == 0, "the link itself")
      for path in ["link/file", "..", "sub/../../x", "missing", String(repeating: "x", count: 300)] {
        #expect(result(path) < 0, "\(path)")
      }
    }
  }

  @Test func `every entry of a large folder is listed once, also names that are not UTF-8`() throws {
    try withFolder { folder in
      let names =
        (0..<700).map { Array("file-\($0)".utf8) } + [
          [0xFF, 0xFE, 0x80], [UInt8](repeating: 0x80, count: 255),
        ]
      for name in names {
        let path = Array("\(folder)/".utf8) + name + [0]
        let made = path.withUnsafeBufferPointer { bytes in
          bytes.withMemoryRebound(to: CChar.self) { open($0.baseAddress!, O_WRONLY | O_CREAT, 0o600) }
        }
        close(made)
      }
      let kernel = try kernel(folder)
      for plus in [false, true] {
        let entries = kernel.list(1, plus: plus)
        #expect(entries.count == names.count + 2)
        #expect(Set(entries.map(\.name)) == Set(names + [Array(".".utf8), Array("..".utf8)]))
      }
      #expect(kernel.server.table.count == names.count + 1)
    }
  }

  @Test func `forgotten nodes are removed, and their numbers are not used again`() throws {
    try withFolder { folder in
      mkdir("\(folder)/sub", 0o755)
      try write("text", "\(folder)/sub/file")
      let kernel = try kernel(folder)
      let sub = kernel.node("sub")
      let file = kernel.node("sub/file")
      #expect(kernel.server.table.count == 3)
      // `sub` was looked up twice, and has a child.
      _ = kernel.exchange(kernel.message(2, sub, ScriptedKernel.bytes(UInt64(2))))
      #expect(kernel.server.table.count == 3)
      let batch =
        ScriptedKernel.bytes(UInt64(1)) + ScriptedKernel.bytes(file) + ScriptedKernel.bytes(UInt64.max)
      _ = kernel.exchange(kernel.message(42, 0, batch))
      #expect(kernel.server.table.count == 1)
      #expect(kernel.read(file).errno == ESTALE)
      #expect(kernel.node("sub/file") > file)
    }
  }

  @Test func `a file that changes after it was read gives an error once, and then its new contents`() throws {
    try withFolder { folder in
      let path = "\(folder)/file"
      try write("old contents", path)
      let kernel = try kernel(folder)
      let node = kernel.node("file")
      #expect(kernel.text(node) == "old contents")
      try write("new contents", path, seconds: 1_000_000_001)
      #expect(kernel.read(node).errno == EIO)
      #expect(kernel.server.report.changed == [Array("file".utf8)])
      #expect(kernel.server.takeNotices() == [node])
      #expect(kernel.attributes(node).integer(UInt64.self, at: 16 + 32) == 1_000_000_001)
      #expect(kernel.text(node) == "new contents")
    }
  }

  @Test func `a file that changes before it was read is read in its new version`() throws {
    try withFolder { folder in
      let path = "\(folder)/file"
      try write("old contents", path)
      let kernel = try kernel(folder)
      let node = kernel.node("file")
      try write("new contents", path, seconds: 1_000_000_001)
      #expect(kernel.text(node) == "new contents")
      try write("longer contents", path, seconds: 1_000_000_002)
      #expect(kernel.read(node).errno == EIO, "the kernel would cut it at its old size")
    }
  }

  @Test func `a file that is replaced is another node, and the old one is stale`() throws {
    try withFolder { folder in
      try write("one", "\(folder)/file")
      let kernel = try kernel(folder)
      let old = kernel.node("file")
      #expect(kernel.text(old) == "one")
      try write("two", "\(folder)/new")
      rename("\(folder)/new", "\(folder)/file")
      #expect(kernel.attributes(old).errno == ESTALE)
      #expect(kernel.read(old).errno == ESTALE)
      #expect(kernel.server.report.changed == [Array("file".utf8)])
      let new = kernel.node("file")
      #expect(new != old)
      #expect(kernel.text(new) == "two")
      unlink("\(folder)/file")
      #expect(kernel.read(new).errno == ESTALE)
    }
  }

  @Test func `a file that is younger than the host's clock can tell is told as older, and for no time`()
    throws
  {
    try withFolder { folder in
      try Files.write([1], to: "\(folder)/file")
      let kernel = try kernel(folder)
      let young = kernel.lookUp("file")
      #expect(young.integer(UInt64.self, at: 24) == 0)
      var status = stat()
      stat("\(folder)/file", &status)
      let told =
        Int(young.integer(UInt64.self, at: 40 + 32)) * 1_000_000_000
        + Int(young.integer(UInt32.self, at: 40 + 52))
      #expect(told == status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec - 1)
      age("\(folder)/file")
      #expect(kernel.lookUp("file").integer(UInt64.self, at: 24) == 1)
    }
  }

  @Test func `a server with a saved table continues where the first one ended`() throws {
    try withFolder { folder in
      mkdir("\(folder)/sub", 0o755)
      try write("contents", "\(folder)/sub/file")
      try write("other", "\(folder)/other")
      let first = try kernel(folder)
      let (file, other) = (first.node("sub/file"), first.node("other"))
      _ = first.text(file)
      _ = first.text(other)
      let table = try NodeTable(saved: first.server.table.saved)
      #expect(table == first.server.table)
      try write("newer", "\(folder)/other", seconds: 1_000_000_001)
      let second = try kernel(folder, table: table)
      second.server.revalidate()
      let notices = second.server.takeNotices()
      #expect(notices.contains(other) && !notices.contains(file))
      #expect(second.server.report.changed == [Array("other".utf8)])
      #expect(second.text(file) == "contents")
      #expect(second.read(other).errno == EIO)
    }
  }

  @Test func `hard links have one inode, holes are found, and attributes are read`() throws {
    try withFolder { folder in
      let path = "\(folder)/sparse"
      let file = try Descriptor.open(path, O_RDWR | O_CREAT)
      ftruncate(file.raw, 5 << 30)
      pwrite(file.raw, "end", 3, 5 << 30)
      age(path)
      link(path, "\(folder)/twin")
      let kernel = try kernel(folder)
      let (sparse, twin) = (kernel.node("sparse"), kernel.node("twin"))
      #expect(
        kernel.attributes(sparse).integer(UInt64.self, at: 16)
          == kernel.attributes(twin).integer(UInt64.self, at: 16)
      )
      #expect(kernel.attributes(sparse).integer(UInt32.self, at: 16 + 64) == 2)
      #expect(kernel.read(sparse, 5 << 30).data == Array("end".utf8))
      let body =
        ScriptedKernel.bytes(UInt64(0)) + ScriptedKernel.bytes(UInt64(0)) + ScriptedKernel.bytes(UInt32(3))
      #expect(kernel.send(46, sparse, body + [0, 0, 0, 0]).integer(UInt64.self, at: 0) > 4 << 30)
      let name = ScriptedKernel.bytes(UInt32(64)) + [0, 0, 0, 0] + Array("user.colour".utf8) + [0]
      #expect(kernel.send(22, sparse, name).errno != 0)
      #expect(
        kernel.send(
          22,
          sparse,
          ScriptedKernel.bytes(UInt32(64)) + [0, 0, 0, 0] + Array("trusted.x".utf8) + [0]
        ).errno == ENODATA
      )
    }
  }

  @Test func `changes are refused, and unknown operations are not implemented`() throws {
    try withFolder { folder in
      let kernel = try kernel(folder)
      for operation: UInt32 in [4, 6, 8, 9, 10, 11, 12, 13, 16, 21, 24, 35, 43, 45, 47] {
        #expect(kernel.send(operation, 1, [UInt8](repeating: 0, count: 64)).errno == EROFS)
      }
      for operation: UInt32 in [0, 36, 99, 4096] { #expect(kernel.send(operation, 1).errno == ENOSYS) }
    }
  }

  @Test func `a path that cannot be shared is refused by name`() throws {
    try withFolder { folder in
      try Files.write([1], to: "\(folder)/file")
      for (path, reason) in [
        ("\(folder)/missing", "ENOENT"), ("\(folder)/file", "not a folder"), ("/proc", "proc"),
      ] {
        let error = #expect(throws: ShareProblem.self) { _ = try ShareServer(ShareSettings(folder: path)) }
        #expect(error.map { "\($0)" }?.contains(reason) == true)
      }
    }
  }

  @Test func `folders of the host's kernel appear empty`() throws {
    let kernel = try kernel("/")
    let proc = kernel.node("proc")
    #expect(proc != 0)
    #expect(kernel.list(proc, plus: true).map(\.name) == [Array(".".utf8), Array("..".utf8)])
    #expect(kernel.lookUp("1", in: proc).integer(UInt64.self, at: 0) == 0)
    #expect(kernel.attributes(proc).errno == 0)
  }
}
