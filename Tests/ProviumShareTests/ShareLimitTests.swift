import Glibc
import ProviumShare
import ProviumSystem
import Testing

@Suite struct ShareLimitTests {
  @Test func `a folder of 65,536 entries is listed whole, and each of them is found`() throws {
    try withFolder { folder in
      let count = 65536
      let first = "\(folder)/0"
      try Files.write([], to: first)
      for index in 1..<count { try Files.write([], to: "\(folder)/\(index)") }
      let kernel = try ScriptedKernel(ShareSettings(folder: folder))
      _ = kernel.initialize()
      let names = Set(kernel.list(1, size: 128 << 10, plus: false).map(\.name))
      #expect(names.count == count + 2)
      let nodes = Set(kernel.list(1, size: 128 << 10, plus: true).map(\.node))
      #expect(nodes.count == count + 1, "each file has a node, the two dots have none")
      #expect(kernel.lookUp("65535").errno == 0)
    }
  }

  @Test func `a name of 255 bytes is found and read, and a longer one is refused`() throws {
    try withFolder { folder in
      let name = String(repeating: "n", count: 255)
      try Files.write(Array("long".utf8), to: "\(folder)/\(name)")
      age("\(folder)/\(name)")
      let kernel = try ScriptedKernel(ShareSettings(folder: folder))
      _ = kernel.initialize()
      #expect(kernel.text(kernel.node(name)) == "long")
      #expect(kernel.lookUp(name + "n").errno == EINVAL)
    }
  }

  @Test func `a folder that is removed under its guest gives errors, and its server goes on`() throws {
    try withFolder { folder in
      let shared = "\(folder)/shared"
      try Files.createDirectories("\(shared)/sub")
      try Files.write(Array("text".utf8), to: "\(shared)/sub/file")
      age("\(shared)/sub/file")
      let kernel = try ScriptedKernel(ShareSettings(folder: shared))
      _ = kernel.initialize()
      let (sub, file) = (kernel.node("sub"), kernel.node("sub/file"))
      #expect(kernel.read(file).errno == 0)
      try Files.removeTree(shared)
      #expect(kernel.read(file).errno == ESTALE)
      #expect(kernel.attributes(sub).errno == ESTALE)
      #expect(kernel.list(sub, plus: true).isEmpty)
      #expect(kernel.lookUp("sub").integer(UInt64.self, at: 0) == 0, "the name is missing")
      #expect(kernel.attributes(1).errno == 0)
      #expect(kernel.server.report.changed == [Array("sub/file".utf8)])
      // A new folder of the same name is another one.
      try Files.createDirectories("\(shared)/sub")
      #expect(kernel.lookUp("sub").integer(UInt64.self, at: 0) == 0)
    }
  }
}
