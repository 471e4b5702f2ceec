import Glibc
import ProviumShare
import ProviumSystem
import Testing

@Suite struct RPMPackageTests {
  /// A cpio archive that is written header by header, also with what no cpio program writes.
  private struct Cpio {
    private(set) var bytes: [UInt8] = []

    mutating func add(
      _ path: String,
      _ contents: String = "",
      mode: UInt32 = 0o100644,
      inode: Int = 1,
      links: Int = 1,
      size: Int? = nil,
      nameSize: Int? = nil,
      mark: String = "070701"
    ) {
      func hex(_ number: Int) -> String {
        String(Hex.text((0..<4).map { UInt8(number >> (24 - 8 * $0) & 0xFF) }))
      }
      let numbers = [
        inode, Int(mode), 7, 8, links, 1_700_000_000, size ?? contents.utf8.count, 0, 0, 0, 0,
        nameSize ?? path.utf8.count + 1, 0,
      ]
      put(Array((mark + numbers.map(hex).joined()).utf8) + Array(path.utf8) + [0])
      put(Array(contents.utf8))
    }

    private mutating func put(_ part: [UInt8]) {
      bytes += part + [UInt8](repeating: 0, count: (4 - (bytes.count + part.count) % 4) % 4)
    }

    var finished: [UInt8] {
      var whole = self
      whole.add("TRAILER!!!")
      return whole.bytes
    }
  }

  /// A package of a payload, without any facts in its headers but some bytes of data.
  private func package(_ payload: [UInt8], type: UInt8 = 0) -> [UInt8] {
    let lead: [UInt8] = [0xED, 0xAB, 0xEE, 0xDB, 3, 0, 0, type] + [UInt8](repeating: 0, count: 88)
    func header(_ size: UInt8) -> [UInt8] {
      [0x8E, 0xAD, 0xE8, 0x01, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, size]
        + [UInt8](repeating: 9, count: 16 + Int(size))
    }
    // 96 + 16 + 16 + 5 is padded to 136.
    return lead + header(5) + [0, 0, 0] + header(3) + payload
  }

  private func unpack(_ package: [UInt8], in folder: String, keeping: [String]? = nil) throws -> String {
    let work = "\(folder)/work-\(Hex.text(Random.bytes(4)))"
    try Files.createDirectories(work)
    try Files.write(package, to: "\(folder)/a.rpm")
    let unpacker = try RootUnpacker(in: work)
    try unpacker.add(rpm: "\(folder)/a.rpm")
    if let keeping { _ = unpacker.keep(only: keeping) }
    try unpacker.finish()
    return "\(work)/tree"
  }

  private func problem(_ package: [UInt8]) -> String {
    var result = "it was unpacked"
    do { try withFolder { folder in _ = try unpack(package, in: folder) } } catch { result = "\(error)" }
    return result
  }

  private var small: Cpio {
    var cpio = Cpio()
    cpio.add("./lib", mode: 0o40755)
    cpio.add("./lib/first", inode: 5, links: 3)
    cpio.add("./lib/second", inode: 5, links: 3)
    cpio.add("./lib/third", "contents", mode: 0o100600, inode: 5, links: 3)
    cpio.add("./lib/link", "first", mode: 0o120777, inode: 6)
    cpio.add("./lib/empty", inode: 7)
    cpio.add("./lib/empty1", inode: 8, links: 2)
    cpio.add("./lib/empty2", inode: 8, links: 2)
    return cpio
  }

  @Test func `files, links and files with several names are unpacked, plain or compressed`() throws {
    for tool in [nil, "gzip", "xz", "zstd", "bzip2"] {
      let payload =
        try tool.map { try ToolRun.run($0, ["-c"], input: small.finished).output } ?? small.finished
      try withFolder { folder in
        let tree = try unpack(package(payload), in: folder)
        #expect(
          try Files.list("\(tree)/lib").sorted() == [
            "empty", "empty1", "empty2", "first", "link", "second", "third",
          ]
        )
        for name in ["first", "second", "third", "link"] {
          #expect(try Files.readText("\(tree)/lib/\(name)") == "contents")
        }
        #expect(Files.isSymbolicLink("\(tree)/lib/link"))
        #expect(try FileFacts("\(tree)/lib/empty1").inode == FileFacts("\(tree)/lib/empty2").inode)
        #expect(try FileFacts("\(tree)/lib/first").modifiedNanoseconds == 1_700_000_000_000_000_000)
      }
    }
  }

  @Test func `parts are kept without the rest, and links become the files of the package that they name`()
    throws
  {
    var cpio = Cpio()
    cpio.add("usr/lib/modules/6.1/a.ko", "module", inode: 1)
    cpio.add("usr/lib/modules/6.1/build", "/usr/src", mode: 0o120777, inode: 2)
    cpio.add("usr/lib/modules/6.1/host", "/etc/passwd", mode: 0o120777, inode: 3)
    cpio.add("usr/lib/modules/6.1/up", "../../../../../../etc/passwd", mode: 0o120777, inode: 4)
    cpio.add("usr/lib/modules/6.1/pipe", mode: 0o10644, inode: 5)
    cpio.add("usr/src/x", "source", inode: 6)
    cpio.add("lib", "usr/lib", mode: 0o120777, inode: 7)
    cpio.add("boot/vmlinuz", "/usr/lib/kernel", mode: 0o120777, inode: 8)
    cpio.add("usr/lib/kernel", "kernel", inode: 9)
    try withFolder { folder in
      let tree = try unpack(
        package(cpio.finished),
        in: folder,
        keeping: ["boot", "lib/modules", "usr/lib/modules", "vmlinuz"]
      )
      #expect(try Files.list(tree).sorted() == ["boot", "lib"])
      #expect(try Files.list("\(tree)/lib/modules/6.1") == ["a.ko"])
      #expect(
        try Files.readText("\(tree)/boot/vmlinuz") == "kernel"
          && !Files.isSymbolicLink("\(tree)/boot/vmlinuz")
      )
    }
  }

  @Test func `a package that cannot be unpacked has one error that names the cause`() throws {
    let whole = package(small.finished)
    func one(_ bytes: [UInt8], _ expected: String) { #expect(problem(bytes).contains(expected)) }
    func damaged(_ body: (inout Cpio) -> Void) -> [UInt8] {
      var cpio = Cpio()
      body(&cpio)
      return package(cpio.finished)
    }
    one(Array("no package".utf8), "it is no RPM package")
    one(Array(whole.prefix(50)), "it is cut short in its lead")
    one(Array(whole.prefix(100)), "it is cut short in its headers")
    one(Array(whole.prefix(150)), "it is cut short in its headers")
    one(package(small.finished, type: 1), "it is a source package")
    one(Array(whole[..<96]) + [UInt8](repeating: 1, count: 200), "one of its headers is damaged")
    one(package([UInt8](repeating: 7, count: 500)), "it is no cpio archive")
    one(Array(whole.dropLast(200)), "it ends in the middle of")
    one(package(small.bytes), "it has no end mark")
    let packed = try ToolRun.run("gzip", ["-c"], input: small.finished).output
    one(package(Array(packed.dropLast(9))), "gzip failed")
    one(damaged { $0.add("../outside", "x") }, "the path ../outside has .. in it")
    one(damaged { $0.add("a", mark: "07070X") }, "more than 4 GB")
    one(
      damaged {
        $0.add("a"); $0.add("b", mark: "070709")
      },
      "a header of an entry is damaged"
    )
    one(damaged { $0.add("a", nameSize: 0) }, "the name of an entry has 0 bytes")
    one(damaged { $0.add("a", nameSize: 1 << 20) }, "the name of an entry has")
    one(damaged { $0.add("a", mode: 0o120777) }, "the link a has no target")
    one(damaged { $0.add("a", mode: 0o150000) }, "of a kind that is not known")
    one(damaged { $0.add("a", "x", size: 1 << 30) }, "in the middle of a file")
  }

  @Test func `random damage of a package is an error or another tree, and never leaves the folder`() throws {
    let whole = package(small.finished)
    var generator = SeededGenerator(seed: 11)
    try withFolder { folder in
      for _ in 0..<200 {
        var bytes = whole
        for _ in 0..<Int.random(in: 1...6, using: &generator) {
          bytes[Int.random(in: bytes.indices, using: &generator)] = .random(in: 0...255, using: &generator)
        }
        _ = try? unpack(bytes, in: folder)
        for name in try Files.list(folder) where name != "a.rpm" {
          #expect(name.hasPrefix("work-"))
          #expect(Set(try Files.list("\(folder)/\(name)")).isSubset(of: ["attributes", "data", "tree"]))
          try Files.removeTree("\(folder)/\(name)")
        }
      }
      #expect(try Files.list(folder) == ["a.rpm"])
    }
  }
}
