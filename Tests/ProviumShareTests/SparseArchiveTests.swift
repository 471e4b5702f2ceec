import Glibc
import ProviumShare
import ProviumSystem
import Testing

/// Sparse files in the four formats of GNU tar.
@Suite struct SparseArchiveTests {
  static let formats: [[String]] = [
    ["--format=gnu"], ["--format=pax", "--sparse-version=0.0"], ["--format=pax", "--sparse-version=0.1"],
    ["--format=pax", "--sparse-version=1.0"],
  ]

  private func pack(_ source: String, _ format: [String]) throws -> [UInt8] {
    try ToolRun.run("tar", format + ["-S", "-cf", "-", "-C", source, "."]).output
  }

  private func unpack(
    _ archive: [UInt8],
    in folder: String,
    limits: RootUnpacker.Limits = RootUnpacker.Limits()
  ) throws -> String {
    let work = "\(folder)/work-\(Hex.text(Random.bytes(4)))"
    try Files.createDirectories(work)
    try Files.write(archive, to: "\(folder)/made.tar")
    try RootArchive.unpack("\(folder)/made.tar", platform: "amd64", in: work, limits: limits)
    return "\(work)/tree"
  }

  /// Makes a file of a size that has text at some offsets, and holes elsewhere.
  private func make(_ path: String, size: Int, _ texts: [Int: String] = [:]) throws {
    let file = try Descriptor.open(path, O_WRONLY | O_CREAT)
    #expect(ftruncate(file.raw, size) == 0)
    for (offset, text) in texts { #expect(pwrite(file.raw, text, text.utf8.count, offset) > 0) }
  }

  @Test(arguments: formats)
  func `a sparse file is unpacked with its contents and its holes`(format: [String]) throws {
    try withFolder { folder in
      let source = "\(folder)/source"
      try Files.createDirectories("\(source)/var/log")
      // More parts than a header and a block of the old format have.
      let many = Dictionary(uniqueKeysWithValues: (0..<60).map { ($0 * 65536, "part \($0)") })
      try make("\(source)/var/log/many", size: 60 * 65536 + 3, many)
      try make("\(source)/hole", size: 5 << 20)
      try make("\(source)/end", size: (9 << 30) + 3, [9 << 30: "end"])
      try make("\(source)/begin", size: 3 << 20, [0: "begin"])
      let long = String(repeating: "n", count: 180)
      try make("\(source)/\(long)", size: 2 << 20, [1 << 20: "middle"])
      try Files.write(Array("after it".utf8), to: "\(source)/zz", mode: 0o600)
      let archive = try pack(source, format)
      // Less than the file at its end has with its holes.
      #expect(archive.count < 2 << 20)
      var limits = RootUnpacker.Limits()
      limits.bytes = 2 << 20
      let tree = try unpack(archive, in: folder, limits: limits)
      for name in ["var/log/many", "hole", "begin", long, "zz"] {
        #expect(try Files.read("\(tree)/\(name)") == Files.read("\(source)/\(name)"), "\(name)")
      }
      #expect(Files.size("\(tree)/end") == (9 << 30) + 3)
      #expect(try Files.read("\(tree)/end", from: 9 << 30, count: 8) == Array("end".utf8))
      #expect(Files.blocks("\(tree)/end") < 1 << 20, "its hole takes room")
      #expect(Files.blocks("\(tree)/hole") == 0)
    }
  }

  /// The error of an archive in which one text was replaced with another one of the same length.
  private func refusal(_ format: [String], _ text: String, _ other: String) -> String {
    var result = "it was unpacked"
    do {
      try withFolder { folder in
        try Files.createDirectories("\(folder)/source")
        try make("\(folder)/source/a", size: 1 << 20, [65536: "text", 131072: "more"])
        var archive = try pack("\(folder)/source", format)
        let (old, new) = (Array(text.utf8), Array(other.utf8))
        #expect(old.count == new.count)
        let place = archive.indices.first { archive[$0...].starts(with: old) }
        let start = try #require(place, "\(text) is not in the archive")
        archive.replaceSubrange(start..<start + old.count, with: new)
        _ = try unpack(archive, in: folder)
      }
    } catch { result = "\(error)" }
    return result
  }

  @Test func `a map that no file has is an error that names the file`() {
    let (first, second, third) = (Self.formats[1], Self.formats[2], Self.formats[3])
    let damaged = "the map of the sparse file ./a is damaged"
    func one(_ format: [String], _ text: String, _ other: String, _ expected: String = damaged) {
      let result = refusal(format, text, other)
      #expect(result.contains(expected), "\(other): \(result)")
    }
    // Parts that overlap, lie behind the end, or have other sizes than the contents.
    one(first, "GNU.sparse.offset=131072", "GNU.sparse.offset=065537")
    one(first, "GNU.sparse.numblocks=3", "GNU.sparse.numblocks=4")
    one(first, "GNU.sparse.size=1048576", "GNU.sparse.size=0048576")
    one(second, "GNU.sparse.map=65536,4096", "GNU.sparse.map=65536,4095")
    one(second, "GNU.sparse.map=65536,4096", "GNU.sparse.map=65536,999e", "GNU.sparse.map that cannot be")
    one(second, "GNU.sparse.map=65536,", "GNU.sparse.map=-5536,", "GNU.sparse.map that cannot be")
    one(third, "3\n65536\n4096\n", "4\n65536\n4096\n")
    one(third, "3\n65536\n4096\n", "9999999999999")
    one(third, "3\n65536\n4096\n", "3\n65536\n4097\n")
    one(third, "GNU.sparse.realsize=1048576", "GNU.sparse.realsize=0000001")
    one(third, "GNU.sparse.major=1", "GNU.sparse.major=2", "GNU.sparse.major that cannot be")
    one(third, "GNU.sparse.name=./a", "GNU.sparse.name=../", "has .. in it")
  }

  @Test(arguments: formats)
  func `random damage of a sparse archive is an error or another tree`(format: [String]) throws {
    var generator = SeededGenerator(seed: 5)
    try withFolder { folder in
      try Files.createDirectories("\(folder)/source")
      let texts = Dictionary(uniqueKeysWithValues: (0..<30).map { ($0 * 8192, "x") })
      try make("\(folder)/source/a", size: 300_000, texts)
      let whole = try pack("\(folder)/source", format)
      // Where the headers and the map are; damage of the header alone mostly ends at its checksum.
      for _ in 0..<150 {
        var bytes = whole
        bytes[Int.random(in: 512..<min(6144, bytes.count), using: &generator)] = .random(
          in: 0x2C...0x39,
          using: &generator
        )
        var limits = RootUnpacker.Limits()
        limits.bytes = 1 << 20
        _ = try? unpack(bytes, in: folder, limits: limits)
        for name in try Files.list(folder) where name.hasPrefix("work-") {
          try Files.removeTree("\(folder)/\(name)")
        }
        #expect(try Files.list(folder).sorted() == ["made.tar", "source"])
      }
    }
  }
}
