import Glibc
import ProviumSystem
import Testing

@testable import ProviumRunner

@Suite("Discovery of test files", .timeLimit(.minutes(10))) struct TestDiscoveryTests {
  /// A folder of the test's own, removed with it.
  private final class Folder: Sendable {
    let path = "/tmp/provium-discovery-\(UInt32.random(in: 0 ... .max))"
    init(_ files: String...) throws {
      try Files.createDirectories(path)
      for file in files {
        try Files.createDirectories(Files.parent(of: "\(path)/\(file)"))
        try Files.write([], to: "\(path)/\(file)")
      }
    }
    deinit { try? Files.removeTree(path) }

    func link(_ name: String, to target: String) { symlink(target, "\(path)/\(name)") }

    func find(_ paths: String...) throws -> DiscoveredFiles {
      try TestDiscovery.find(paths, from: path, project: path)
    }
    func names(_ paths: String...) throws -> [String] {
      try TestDiscovery.find(paths, from: path, project: path).files.map(\.name)
    }
  }

  @Test("files of several roots are named by their paths in the project") func roots() throws {
    let folder = try Folder("unit/net/x.lua", "system/net/x.lua")
    #expect(try folder.names("unit") == ["net/x.lua"])
    #expect(try folder.names("unit", "system") == ["unit/net/x.lua", "system/net/x.lua"])
  }

  @Test("scripts below a shared folder of fixtures are not tests") func sharedFixtures() throws {
    let folder = try Folder("unit/net/x.lua", "unit/shared/deep/base.lua")
    let found = try TestDiscovery.find(
      ["unit"],
      from: folder.path,
      project: folder.path,
      fixtureFolders: ["\(folder.path)/unit/shared"]
    )
    #expect(found.files.map(\.name) == ["net/x.lua"])
  }

  @Test("a file whose name begins with an underscore is a test file") func underscore() throws {
    let folder = try Folder("t/_a.lua", "t/b.lua", "t/.hidden.lua", "t/fixtures/f.lua")
    #expect(try folder.names("t") == ["_a.lua", "b.lua"])
  }

  @Test("a folder that contains itself by a symbolic link is walked once") func cycles() throws {
    let folder = try Folder("t/a/x.lua", "t/b/y.lua")
    folder.link("t/self", to: ".")
    folder.link("t/a/up", to: "..")
    folder.link("t/a/other", to: "../b")
    folder.link("t/b/other", to: "../a")
    folder.link("t/loop", to: "loop")
    #expect(try folder.names("t") == ["a/x.lua", "b/y.lua"])
  }

  @Test("a folder that links and paths lead to in several ways is walked once, at its own place")
  func aliases() throws {
    let folder = try Folder("t/z/x.lua", "elsewhere/y.lua", "elsewhere/w.lua")
    folder.link("t/a", to: "z")
    folder.link("t/first", to: "../elsewhere")
    folder.link("t/second", to: "../elsewhere")
    folder.link("tests", to: "t")
    #expect(try folder.names("t") == ["first/w.lua", "first/y.lua", "z/x.lua"])
    #expect(try folder.names("t", "t/../t", "tests") == ["first/w.lua", "first/y.lua", "z/x.lua"])
  }

  @Test("a name that is not a regular file is skipped with a notice, and is an error if it is given")
  func kinds() throws {
    let folder = try Folder("t/a.lua")
    mkfifo("\(folder.path)/t/pipe.lua", 0o600)
    folder.link("t/null.lua", to: "/dev/null")
    folder.link("t/broken.lua", to: "nowhere")
    folder.link("t/good.lua", to: "a.lua")
    try Files.createDirectories("\(folder.path)/t/folder.lua")
    let found = try folder.find("t")
    #expect(found.files.map(\.name) == ["a.lua", "good.lua"])
    #expect(
      found.skipped == [
        "\(folder.path)/t/broken.lua is not run: it is a broken link",
        "\(folder.path)/t/null.lua is not run: it is a device",
        "\(folder.path)/t/pipe.lua is not run: it is a named pipe",
      ]
    )
    let error = #expect(throws: TestDiscovery.Failure.self) { try folder.find("t/pipe.lua") }
    #expect(error?.description == "t/pipe.lua: not a test file: it is a named pipe")
    try Files.removeTree("\(folder.path)/t/a.lua")
    let nothing = #expect(throws: TestDiscovery.Failure.self) { try folder.find("t") }
    #expect(nothing?.description.contains("pipe.lua is not run: it is a named pipe") == true)
  }

  @Test("names that differ only in their Unicode normal form are different files, sorted by their bytes")
  func normalForms() throws {
    let composed = "caf\u{E9}.lua", decomposed = "cafe\u{301}.lua"
    let folder = try Folder("t/\(composed)", "t/\(decomposed)", "t/\u{301}x.lua", "t/z.lua")
    let names = try folder.names("t")
    let expected = [decomposed, composed, "z.lua", "\u{301}x.lua"]
      .map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }.map { PathText.string(of: $0) }
    #expect(names == expected)
    #expect(try folder.names("t/\(decomposed)", "t/\(composed)").count == 2)
  }

  @Test("a name that is not UTF-8 is found, opened and shown by its bytes") func bytes() throws {
    let folder = try Folder("t/a.lua")
    let raw: [UInt8] = Array("\(folder.path)/t/bad".utf8) + [0xFF] + Array(".lua".utf8)
    try Files.write(Array("return 1".utf8), to: PathText.string(of: raw))
    let file = try #require(try folder.find("t").files.last)
    #expect(HarmlessText.clean(file.name) == "bad\\xff.lua")
    #expect(PathText.bytes(of: file.path) == raw)
    #expect(try Files.readText(file.path) == "return 1")
  }
}
