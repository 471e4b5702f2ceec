import Glibc
import ProviumShare
import ProviumSystem
import Testing

@Suite("Answers that a share sends ahead") struct AheadTests {
  /// A folder with small files `000`, `001`…, each with its own name as text.
  private func withFiles(_ count: Int, _ body: (String) throws -> Void) throws {
    try withFolder { folder in
      for index in 0..<count {
        let path = "\(folder)/\(name(index))"
        try Files.write(Array(name(index).utf8), to: path, mode: 0o644)
        age(path)
      }
      try body(folder)
    }
  }

  private func name(_ index: Int) -> String {
    String(repeating: "0", count: 3 - "\(index)".count) + "\(index)"
  }

  private func kernel(_ folder: String, isWatched: Bool = true, sendsAhead: Bool = true) throws
    -> ScriptedKernel
  {
    let kernel = try ScriptedKernel(
      ShareSettings(folder: folder),
      watch: isWatched ? FolderWatch() : nil,
      sendsAhead: sendsAhead
    )
    #expect(kernel.initialize().errno == 0)
    return kernel
  }

  @Test func `the files of a folder that are read in order come ahead, but for one that shows the progress`()
    throws
  {
    try withFiles(100) { folder in
      let kernel = try kernel(folder)
      let nodes = kernel.list(1, plus: true).dropFirst(2).map(\.node)
      _ = kernel.takeAhead()
      for index in 0..<4 {
        #expect(kernel.text(nodes[index]) == name(index))
        if index < 3 { #expect(kernel.takeAhead() == [], "\(index + 1) files are no order") }
      }
      let first = kernel.takeAhead()
      #expect(first.count == 8)
      #expect(first.allSatisfy { $0.operation == 15 && $0.offset == 0 })
      let indices = first.compactMap { answer in nodes.firstIndex(of: answer.node) }
      #expect(indices == [4, 5, 6, 7, 9, 10, 11, 12])
      #expect(first.map { String(decoding: $0.data, as: UTF8.self) } == indices.map(name))
      #expect(kernel.text(nodes[8]) == name(8))
      let next = kernel.takeAhead()
      #expect(next.count == 32 && nodes.firstIndex(of: next[0].node) == 13)
    }
  }

  @Test func `files that are read in another order, one by one or of an unwatched folder bring nothing`()
    throws
  {
    try withFiles(40) { folder in
      let kernel = try kernel(folder)
      let nodes = kernel.list(1, plus: true).dropFirst(2).map(\.node)
      _ = kernel.takeAhead()
      for index in [30, 20, 10, 35, 3] { _ = kernel.text(nodes[index]) }
      #expect(kernel.takeAhead() == [])
      for (isWatched, sendsAhead) in [(false, true), (true, false)] {
        let other = try self.kernel(folder, isWatched: isWatched, sendsAhead: sendsAhead)
        let nodes = other.list(1, plus: true).dropFirst(2).map(\.node)
        for index in 0..<5 { _ = other.text(nodes[index]) }
        #expect(other.takeAhead() == [])
      }
    }
  }

  @Test func `long, new and forbidden files are left out`() throws {
    try withFiles(12) { folder in
      try Files.write([UInt8](repeating: 1, count: 20_000), to: "\(folder)/004", mode: 0o644)
      age("\(folder)/004")
      try Files.removeTree("\(folder)/005")
      mkdir("\(folder)/005", 0o755)
      let kernel = try kernel(folder)
      let nodes = kernel.list(1, plus: true).dropFirst(2).map(\.node)
      _ = kernel.takeAhead()
      for node in nodes[..<4] { _ = kernel.text(node) }
      #expect(kernel.takeAhead().compactMap { nodes.firstIndex(of: $0.node) } == [6, 7, 8, 9, 11])
    }
  }

  @Test
  func `the pages of a folder come ahead, as the kernel would have got them, with the empty one at the end`()
    throws
  {
    try withFiles(60) { folder in
      let plain = try kernel(folder, sendsAhead: false)
      let pages = plain.pages(1)
      #expect(pages.count == 4 && pages.last?.data.isEmpty == true)
      let kernel = try kernel(folder)
      // The kernel shows how it goes on with a folder.
      _ = kernel.pages(1)
      _ = kernel.takeAhead()
      _ = kernel.list(1, from: 0, size: 4096, plus: true)
      let ahead = kernel.takeAhead()
      #expect(ahead.map(\.offset) == pages.dropFirst().map(\.offset))
      for (answer, page) in zip(ahead, pages.dropFirst()) {
        #expect(answer.operation == 44 && answer.node == 1)
        #expect(kernel.names(answer.data) == kernel.names(page.data))
      }
    }
  }

  @Test func `a page that is sent ahead tells nothing of a file that has changed since the kernel was told`()
    throws
  {
    try withFiles(60) { folder in
      let kernel = try kernel(folder)
      _ = kernel.pages(1)
      _ = kernel.takeAhead()
      let node = kernel.node("050")
      #expect(node != 0)
      // Changed, but no event was taken yet.
      try Files.write(Array("changed".utf8), to: "\(folder)/050", mode: 0o644)
      age("\(folder)/050", seconds: 1_100_000_000)
      _ = kernel.list(1, from: 0, size: 4096, plus: true)
      let entries = kernel.takeAhead().flatMap { kernel.entries($0.data) }
      #expect(entries.contains { $0.name == Array("050".utf8) && $0.node == 0 })
      #expect(entries.contains { $0.name == Array("051".utf8) && $0.node != 0 })
      #expect(kernel.text(kernel.node("050")) == "changed")
    }
  }

  @Test func `a change drops what was sent ahead before the kernel is told of it`() throws {
    try withFiles(40) { folder in
      let kernel = try kernel(folder)
      let nodes = kernel.list(1, plus: true).dropFirst(2).map(\.node)
      _ = kernel.server.takeNotices()
      #expect(!kernel.server.takeDrop(), "nothing was sent")
      for node in nodes[..<4] { _ = kernel.text(node) }
      #expect(kernel.takeAhead().count == 8)
      #expect(kernel.server.takeNotices() == [] && !kernel.server.mustDrop)
      try Files.write(Array("newer".utf8), to: "\(folder)/009", mode: 0o644)
      age("\(folder)/009", seconds: 1_100_000_000)
      _ = kernel.attributes(nodes[20])
      #expect(kernel.server.takeNotices().contains(nodes[9]))
      #expect(kernel.server.takeDrop())
      #expect(!kernel.server.takeDrop(), "once")
      // A page of the old version may be in the kernel: it gets no other part before it has asked.
      #expect(kernel.read(nodes[9]).errno == EIO)
      #expect(kernel.text(kernel.node("009")) == "newer")
    }
  }

  @Test func `a change that no event has told of drops them, too`() throws {
    try withFiles(40) { folder in
      let kernel = try kernel(folder)
      let nodes = kernel.list(1, plus: true).dropFirst(2).map(\.node)
      for node in nodes[..<4] { _ = kernel.text(node) }
      #expect(kernel.takeAhead().count == 8)
      try Files.write(Array("newer".utf8), to: "\(folder)/009", mode: 0o644)
      _ = kernel.attributes(nodes[9])
      #expect(kernel.server.mustDrop)
    }
  }

  @Test
  func `a file that was sent ahead and changes before a resume is told to the kernel, and is no failure`()
    throws
  {
    try withFiles(40) { folder in
      let first = try kernel(folder)
      let nodes = first.list(1, plus: true).dropFirst(2).map(\.node)
      for node in nodes[..<4] { _ = first.text(node) }
      #expect(first.takeAhead().count == 8)
      for index in [3, 9] {
        try Files.write(Array("changed".utf8), to: "\(folder)/\(name(index))", mode: 0o644)
        age("\(folder)/\(name(index))", seconds: 1_100_000_000)
      }
      let second = try ScriptedKernel(
        ShareSettings(folder: folder),
        table: try NodeTable(saved: first.server.table.saved),
        watch: FolderWatch(),
        sendsAhead: true
      )
      second.server.revalidate()
      #expect(Set(second.server.takeNotices()) == [nodes[3], nodes[9]])
      #expect(second.server.report.changed == [Array("003".utf8)], "which was read")
      #expect(second.read(nodes[9]).errno == EIO, "the kernel may have a part")
      #expect(second.text(second.node("009")) == "changed")
    }
  }
}
