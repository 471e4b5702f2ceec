import CLinux
import Glibc
import ProviumShare
import ProviumSystem
import Testing

@Suite("A share whose folders are watched") struct WatchedShareTests {
  private func write(_ text: String, _ path: String, seconds: Int = 1_000_000_000) throws {
    try Files.write(Array(text.utf8), to: path, mode: 0o644)
    age(path, seconds: seconds)
  }

  private func kernel(_ folder: String, _ watch: FolderWatch, table: NodeTable = NodeTable()) throws
    -> ScriptedKernel
  {
    let kernel = try ScriptedKernel(ShareSettings(folder: folder), table: table, watch: watch)
    if table.count == 0 { #expect(kernel.initialize().errno == 0) }
    return kernel
  }

  /// Seconds that the kernel may use a name (`entry_valid`) and the attributes (`attr_valid`) of a LOOKUP's reply.
  private func validity(_ reply: ScriptedKernel.Reply) -> [UInt64] {
    [reply.integer(UInt64.self, at: 16), reply.integer(UInt64.self, at: 24)]
  }

  @Test func `the kernel may use a file for half a minute, and is told when it changes`() throws {
    try withFolder { folder in
      try write("old", "\(folder)/file")
      try write("other", "\(folder)/other")
      let watch = FolderWatch()
      let kernel = try kernel(folder, watch)
      let file = kernel.lookUp("file")
      #expect(validity(file) == [30, 30])
      let node = file.integer(UInt64.self, at: 0)
      let other = kernel.node("other")
      #expect(kernel.server.takeNotices() == [])
      try Files.write(Array("new".utf8), to: "\(folder)/file", mode: 0o644)
      let descriptor = try #require(watch.descriptor)
      var polls = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
      #expect(poll(&polls, 1, 10_000) == 1, "the change wakes whoever waits")
      #expect(kernel.server.takeNotices().contains(node))
      #expect(!kernel.server.takeNotices().contains(other))
      #expect(kernel.text(node) == "new")
    }
  }

  @Test func `files that are replaced, removed and made become notices of them and of their folder`() throws {
    try withFolder { folder in
      mkdir("\(folder)/sub", 0o755)
      try write("a", "\(folder)/sub/a")
      try write("b", "\(folder)/sub/b")
      let kernel = try kernel(folder, FolderWatch())
      let (sub, a, b) = (kernel.node("sub"), kernel.node("sub/a"), kernel.node("sub/b"))
      try write("newer", "\(folder)/sub/new")
      rename("\(folder)/sub/new", "\(folder)/sub/a")
      unlink("\(folder)/sub/b")
      let notices = kernel.server.takeNotices()
      #expect(notices.contains(a) && notices.contains(b) && notices.contains(sub))
      #expect(kernel.attributes(a).errno == ESTALE)
      #expect(kernel.attributes(b).errno == ESTALE)
      #expect(kernel.text(kernel.node("sub/a")) == "newer")
    }
  }

  @Test func `a file that is gone is named when it is read, not when its path is looked up`() throws {
    try withFolder { folder in
      try write("text", "\(folder)/file")
      let kernel = try kernel(folder, FolderWatch())
      let node = kernel.node("file")
      unlink("\(folder)/file")
      #expect(kernel.attributes(node).errno == ESTALE)
      #expect(kernel.server.report.changed == [])
      let ofOpenFile = ScriptedKernel.bytes(UInt32(1)) + [UInt8](repeating: 0, count: 12)
      #expect(kernel.send(3, node, ofOpenFile).errno == ESTALE)
      #expect(kernel.server.report.changed == [Array("file".utf8)])
    }
  }

  @Test func `a folder's attributes last as long as it is watched itself`() throws {
    try withFolder { folder in
      mkdir("\(folder)/sub", 0o755)
      let kernel = try kernel(folder, FolderWatch())
      #expect(validity(kernel.lookUp("sub")) == [30, 1])
      _ = kernel.list(kernel.node("sub"), plus: true)
      #expect(validity(kernel.lookUp("sub")) == [30, 30])
    }
  }

  @Test func `names of a file with hard links, of links and of nothing last a second`() throws {
    try withFolder { folder in
      try write("text", "\(folder)/file")
      link("\(folder)/file", "\(folder)/twin")
      symlink("file", "\(folder)/link")
      let kernel = try kernel(folder, FolderWatch())
      #expect(validity(kernel.lookUp("twin")) == [1, 1])
      #expect(validity(kernel.lookUp("link")) == [1, 1])
      #expect(kernel.lookUp("missing").integer(UInt64.self, at: 16) == 1)
    }
  }

  @Test func `a resumed share watches the folders that the kernel knows`() throws {
    try withFolder { folder in
      mkdir("\(folder)/sub", 0o755)
      try write("text", "\(folder)/sub/file")
      let first = try kernel(folder, FolderWatch())
      let node = first.node("sub/file")
      let second = try kernel(folder, FolderWatch(), table: try NodeTable(saved: first.server.table.saved))
      second.server.revalidate()
      #expect(second.server.takeNotices() == [])
      try Files.write(Array("changed".utf8), to: "\(folder)/sub/file", mode: 0o644)
      #expect(second.server.takeNotices() == [node])
    }
  }

  @Test func `changes of two shares with one watch stay apart`() throws {
    try withFolder { folder in
      for name in ["one", "two"] {
        mkdir("\(folder)/\(name)", 0o755)
        try write("text", "\(folder)/\(name)/file")
      }
      let watch = FolderWatch()
      let (one, two) = (try kernel("\(folder)/one", watch), try kernel("\(folder)/two", watch))
      let (node, _) = (one.node("file"), two.node("file"))
      try Files.write(Array("changed".utf8), to: "\(folder)/one/file", mode: 0o644)
      #expect(two.server.takeNotices() == [])
      #expect(one.server.takeNotices() == [node])
    }
  }
}
