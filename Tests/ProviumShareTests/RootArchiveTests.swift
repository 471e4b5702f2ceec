import Glibc
import ProviumShare
import ProviumSystem
import Testing

@Suite struct RootArchiveTests {
  /// A tar archive that is written header by header, also with what no tar program writes.
  private struct Tar {
    private(set) var bytes: [UInt8] = []

    mutating func add(
      _ path: String,
      _ contents: String = "",
      type: Character = "0",
      target: String = "",
      mode: String = "0000644",
      owner: String = "0000000",
      size: String? = nil
    ) {
      var header = [UInt8](repeating: 0, count: 512)
      func put(_ text: String, at offset: Int) {
        header.replaceSubrange(offset..<offset + text.utf8.count, with: Array(text.utf8))
      }
      let octal = String(contents.utf8.count, radix: 8)
      put(path, at: 0)
      put(mode, at: 100)
      put(owner, at: 108)
      put(owner, at: 116)
      put(size ?? String(repeating: "0", count: 11 - octal.count) + octal, at: 124)
      put("07346545000", at: 136)
      put("        ", at: 148)
      put(String(type), at: 156)
      put(target, at: 157)
      put("ustar\0" + "00", at: 257)
      let sum = String(header.reduce(0) { $0 + Int($1) }, radix: 8)
      put(String(repeating: "0", count: 6 - sum.count) + sum + "\0 ", at: 148)
      bytes += header + Array(contents.utf8)
      bytes += [UInt8](repeating: 0, count: (512 - contents.utf8.count % 512) % 512)
    }

    /// Adds a pax header for the next entry.
    mutating func addRecord(_ key: String, _ value: String) {
      let rest = " \(key)=\(value)\n"
      var length = rest.utf8.count + 1
      while "\(length)\(rest)".utf8.count != length { length += 1 }
      add("pax", "\(length)\(rest)", type: "x")
    }

    func write(to path: String) throws {
      try Files.write(bytes + [UInt8](repeating: 0, count: 1024), to: path)
    }
  }

  private func unpack(
    _ path: String,
    in folder: String,
    platform: String = "amd64",
    limits: RootUnpacker.Limits = RootUnpacker.Limits()
  ) throws -> String {
    let work = "\(folder)/work-\(Hex.text(Random.bytes(4)))"
    try Files.createDirectories(work)
    try RootArchive.unpack(path, platform: platform, in: work, limits: limits)
    #expect(try Files.list(work) == ["attributes", "tree"])
    return work
  }

  private func unpack(_ tar: Tar, in folder: String, limits: RootUnpacker.Limits = RootUnpacker.Limits())
    throws
    -> String
  {
    let path = "\(folder)/made.tar"
    try tar.write(to: path)
    return try unpack(path, in: folder, limits: limits)
  }

  private func text(_ path: String) throws -> String { try Files.readText(path) }

  private func refusal(_ tar: Tar, limits: RootUnpacker.Limits = RootUnpacker.Limits()) -> String {
    var result = "it was unpacked"
    do { try withFolder { folder in _ = try unpack(tar, in: folder, limits: limits) } } catch {
      result = "\(error)"
    }
    return result
  }

  // MARK: Archives

  @Test(arguments: ["tar", "tar.gz", "tar.xz", "tar.zst"])
  func `an archive is unpacked as it was packed`(kind: String) throws {
    try withFolder { folder in
      let source = "\(folder)/source"
      try Files.createDirectories("\(source)/usr/bin")
      let long = String(repeating: "n", count: 200)
      try Files.write(Array("hello".utf8), to: "\(source)/usr/bin/\(long)", mode: 0o755)
      chmod("\(source)/usr/bin/\(long)", 0o755)
      try Files.write([], to: "\(source)/empty")
      #expect(link("\(source)/usr/bin/\(long)", "\(source)/twin") == 0)
      #expect(symlink("usr/bin", "\(source)/bin") == 0)
      #expect(symlink("/nowhere", "\(source)/dangling") == 0)
      #expect(mkfifo("\(source)/pipe", 0o600) == 0)
      let tools = ["tar.gz": "gzip", "tar.xz": "xz", "tar.zst": "zstd"]
      var packing: [String] = []
      if let tool = tools[kind] { packing = ["--use-compress-program=\(tool)"] }
      _ = try ToolRun.run(
        "tar",
        ["-C", source, "--format=pax", "-cf", "\(folder)/a.\(kind)"] + packing + ["."]
      )
      let tree = try unpack("\(folder)/a.\(kind)", in: folder) + "/tree"
      #expect(try text("\(tree)/usr/bin/\(long)") == "hello")
      #expect(NodeFacts(of: "\(tree)/twin")?.inode == NodeFacts(of: "\(tree)/usr/bin/\(long)")?.inode)
      #expect(Files.isSymbolicLink("\(tree)/bin") && Files.isDirectory("\(tree)/bin"))
      #expect(Files.isSymbolicLink("\(tree)/dangling"))
      #expect(Files.size("\(tree)/empty") == 0)
      #expect(access("\(tree)/usr/bin/\(long)", X_OK) == 0)
      #expect(
        NodeFacts(of: "\(tree)/usr/bin")?.modified == NodeFacts(of: "\(source)/usr/bin")?.modified
      )
    }
  }

  @Test
  func `owners, rights and capabilities are those of the archive in the guest, and harmless on the host`()
    throws
  {
    try withFolder { folder in
      var tar = Tar()
      tar.add("bin/", type: "5", mode: "0000755")
      tar.add("bin/su", "program", mode: "0004755")
      tar.addRecord("SCHILY.xattr.security.capability", "caps")
      tar.addRecord("SCHILY.xattr.security.selinux", "label")
      tar.add("bin/ping", "program", mode: "0000000", owner: "0001747")
      let work = try unpack(tar, in: folder)
      var settings = ShareSettings(folder: "\(work)/tree")
      settings.attributes = "\(work)/attributes"
      let kernel = try ScriptedKernel(settings, table: NodeTable())
      _ = kernel.initialize()
      let su = kernel.lookUp("su", in: kernel.node("bin"))
      #expect(su.integer(UInt32.self, at: 40 + 60) == S_IFREG | 0o4755)
      let ping = kernel.lookUp("ping", in: kernel.node("bin"))
      #expect(ping.integer(UInt32.self, at: 40 + 60) == S_IFREG)
      #expect(ping.integer(UInt32.self, at: 40 + 68) == 0o1747)
      var status = stat()
      #expect(stat("\(work)/tree/bin/su", &status) == 0 && status.st_mode & 0o7000 == 0)
      let index = try text("\(work)/attributes")
      #expect(index.split(separator: "\n").count == 2)
      #expect(index.contains(Hex.text(Array("caps".utf8))) && !index.contains(Hex.text(Array("label".utf8))))
    }
  }

  @Test func `a leading slash is dropped, and a path with dots in it is refused`() throws {
    try withFolder { folder in
      var tar = Tar()
      tar.add("/etc/./passwd", "mine")
      let work = try unpack(tar, in: folder)
      #expect(try text("\(work)/tree/etc/passwd") == "mine")
    }
    var tar = Tar()
    tar.add("../outside")
    #expect(refusal(tar).contains("the path ../outside has .. in it"))
  }

  @Test func `a link leads nowhere on the host while its archive is unpacked`() throws {
    try withFolder { folder in
      try Files.createDirectories("\(folder)/outside")
      var tar = Tar()
      tar.add("a", type: "2", target: "\(folder)/outside")
      tar.add("a/file", "text")
      tar.add("b", type: "2", target: "../../../../../../..\(folder)/outside")
      tar.add("b/other", "text")
      let tree = try unpack(tar, in: folder) + "/tree"
      #expect(try Files.list("\(folder)/outside") == [])
      // The links are those of the tree.
      #expect(try text("\(tree)\(folder)/outside/file") == "text")
      #expect(try text("\(tree)\(folder)/outside/other") == "text")
    }
  }

  @Test func `an archive that cannot be unpacked has one error that names the cause`() throws {
    func one(_ body: (inout Tar) -> Void, _ expected: String) {
      var tar = Tar()
      body(&tar)
      let result = refusal(tar)
      #expect(result.contains(expected))
    }
    one({ _ in }, "no files")
    one({ $0.add("a", type: "1", target: "missing") }, "a is a hard link to missing")
    one({ $0.add("a", type: "1", target: "../../etc/passwd") }, "which is no file in it")
    one(
      {
        $0.add("f", "x"); $0.add("f/below")
      },
      "f/below is below something that is no folder"
    )
    one(
      {
        $0.add("a", type: "2", target: "b"); $0.add("b", type: "2", target: "a"); $0.add("a/x")
      },
      "too many links"
    )
    one({ $0.add("a", type: "Z") }, "not known")
    one({ $0.add("a", size: "77777777777") }, "cannot be unpacked")
    one({ $0.add("a", size: "7777777777x") }, "the size is no number")
    one(
      {
        $0.add("x", "9999999 path=a\n", type: "x"); $0.add("a")
      },
      "pax header"
    )
    one(
      {
        $0.addRecord("path", String(repeating: "n/", count: 2100)); $0.add("a")
      },
      "4095"
    )
    one(
      {
        $0.addRecord("path", String(repeating: "n", count: 256)); $0.add("a")
      },
      "more than 255 bytes"
    )
    var limits = RootUnpacker.Limits()
    limits.entries = 2
    limits.bytes = 100
    var many = Tar()
    for index in 0..<3 { many.add("\(index)") }
    #expect(refusal(many, limits: limits).contains("more than 2 files"))
    var large = Tar()
    large.add("a", String(repeating: "x", count: 101))
    #expect(refusal(large, limits: limits).contains("more than 100"))
  }

  @Test func `a file that is damaged, cut short or no archive is named`() throws {
    try withFolder { folder in
      func problem(_ bytes: [UInt8]) -> String {
        do {
          try Files.write(bytes, to: "\(folder)/file")
          _ = try unpack("\(folder)/file", in: folder)
          return "it was unpacked"
        } catch { return "\(error)" }
      }
      var tar = Tar()
      tar.add("a", String(repeating: "x", count: 5000))
      #expect(problem(Array("no archive".utf8)).contains("in the middle"))
      #expect(problem([UInt8](repeating: 7, count: 4096)).contains("it is no tar archive"))
      #expect(problem(Array(tar.bytes.prefix(3000))).contains("in the middle of a file"))
      let packed = try ToolRun.run("gzip", ["-c"], input: tar.bytes).output
      #expect(problem(Array(packed.prefix(packed.count - 12))).contains("gzip failed"))
      #expect(throws: ShareProblem.self) { try unpack("/dev/null", in: folder) }
    }
  }

  @Test func `random damage of an archive is an error or another tree, and never leaves the folder`() throws {
    var tar = Tar()
    tar.add("dir/", type: "5")
    tar.addRecord("path", "dir/long")
    tar.add("x", "contents")
    tar.add("dir/link", type: "2", target: "../..")
    tar.add("dir/link/etc", "evil")
    tar.add("twin", type: "1", target: "dir/long")
    var generator = SeededGenerator(seed: 7)
    try withFolder { folder in
      for round in 0..<200 {
        var bytes = tar.bytes + [UInt8](repeating: 0, count: 1024)
        for _ in 0..<Int.random(in: 1...8, using: &generator) {
          bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(
            in: 0...255,
            using: &generator
          )
        }
        let work = "\(folder)/\(round)"
        try Files.createDirectories(work)
        try Files.write(bytes, to: "\(work)/a.tar")
        try? RootArchive.unpack("\(work)/a.tar", platform: "amd64", in: work)
        #expect(Set(try Files.list(work)).isSubset(of: ["a.tar", "attributes", "data", "tree"]))
        try Files.removeTree(work)
      }
      #expect(try Files.list(folder) == [])
    }
  }

  // MARK: Images

  private func layers(in folder: String) throws -> (lower: String, upper: String) {
    var lower = Tar()
    lower.add("etc/", type: "5", mode: "0000755")
    lower.add("etc/removed", "old")
    lower.add("etc/kept", "old")
    lower.add("etc/changed", "old")
    lower.add("opaque/old", "old")
    lower.add("opaque/sub/old", "old")
    lower.add("gone/old", "old")
    try lower.write(to: "\(folder)/lower.tar")
    var upper = Tar()
    upper.add("etc/.wh.removed")
    upper.add("etc/changed", "new")
    upper.add("opaque/", type: "5", mode: "0000755")
    upper.add("opaque/new", "new")
    upper.add("opaque/.wh..wh..opq")
    upper.add(".wh.gone")
    try upper.write(to: "\(folder)/upper.tar")
    return ("\(folder)/lower.tar", "\(folder)/upper.tar")
  }

  private func checkTree(_ tree: String) throws {
    #expect(try Files.list(tree) == ["etc", "opaque"])
    #expect(try Files.list("\(tree)/etc") == ["changed", "kept"])
    #expect(try Files.list("\(tree)/opaque") == ["new"])
    #expect(try text("\(tree)/etc/changed") == "new")
  }

  @Test func `the layers of a docker archive are put on each other, with whiteouts`() throws {
    try withFolder { folder in
      let layers = try layers(in: folder)
      try Files.createDirectories("\(folder)/image/1")
      try Files.createDirectories("\(folder)/image/2")
      try Files.rename(layers.lower, to: "\(folder)/image/1/layer.tar")
      let packed = try ToolRun.run("gzip", ["-c"], input: try Files.read(layers.upper)).output
      try Files.write(packed, to: "\(folder)/image/2/layer.tar")
      let manifest = #"[{"Config":"c.json","RepoTags":["a:1"],"Layers":["1/layer.tar","2/layer.tar"]}]"#
      try Files.write(Array(manifest.utf8), to: "\(folder)/image/manifest.json")
      _ = try ToolRun.run("tar", ["-C", "\(folder)/image", "-czf", "\(folder)/saved.tar.gz", "."])
      try checkTree(try unpack("\(folder)/saved.tar.gz", in: folder) + "/tree")
      try Files.write(Array(#"[{"Layers":["3/layer.tar"]}]"#.utf8), to: "\(folder)/image/manifest.json")
      _ = try ToolRun.run("tar", ["-C", "\(folder)/image", "-cf", "\(folder)/bad.tar", "."])
      let error = #expect(throws: ShareProblem.self) { try unpack("\(folder)/bad.tar", in: folder) }
      #expect("\(error, default: "")".contains("3/layer.tar is not in it"))
    }
  }

  @Test func `the image of an OCI layout for the guest's architecture is found and checked`() throws {
    try withFolder { folder in
      let layers = try layers(in: folder)
      let layout = "\(folder)/layout"
      try Files.createDirectories("\(layout)/blobs/sha256")
      func add(_ bytes: [UInt8]) throws -> String {
        let digest = SHA256.hex(bytes)
        try Files.write(bytes, to: "\(layout)/blobs/sha256/\(digest)")
        return #"{"digest":"sha256:\#(digest)","size":\#(bytes.count)}"#
      }
      let lower = try ToolRun.run("zstd", ["-cq"], input: try Files.read(layers.lower)).output
      let both = "\(try add(lower)),\(try add(try Files.read(layers.upper)))"
      let mine = try add(Array(#"{"schemaVersion":2,"layers":[\#(both)]}"#.utf8))
      let other = try add(Array(#"{"schemaVersion":2,"layers":[]}"#.utf8))
      func platform(_ descriptor: String, _ name: String) -> String {
        descriptor.dropLast() + #","platform":{"os":"linux","architecture":"\#(name)"}}"#
      }
      let list = "\(platform(other, "arm64")),\(platform(mine, "amd64")),\(platform(other, "unknown"))"
      let index = try add(Array(#"{"schemaVersion":2,"manifests":[\#(list)]}"#.utf8))
      try Files.write(Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8), to: "\(layout)/oci-layout")
      try Files.write(Array(#"{"manifests":[\#(index)]}"#.utf8), to: "\(layout)/index.json")
      #expect(RootArchive.isArchive(layout) && !RootArchive.isArchive(folder))
      try checkTree(try unpack(layout, in: folder) + "/tree")
      // The same in an archive.
      _ = try ToolRun.run("tar", ["-C", layout, "-cf", "\(folder)/oci.tar", "."])
      try checkTree(try unpack("\(folder)/oci.tar", in: folder) + "/tree")
      func problem(_ platform: String) -> String {
        do { return try unpack(layout, in: folder, platform: platform) } catch { return "\(error)" }
      }
      #expect(problem("riscv64").contains("no image for riscv64, but for arm64, amd64"))
      #expect(problem("arm64").contains("no layers"))
      try Files.write([1], to: "\(layout)/blobs/sha256/\(SHA256.hex(lower))")
      #expect(problem("amd64").contains("other contents than its digest says"))
    }
  }
}
