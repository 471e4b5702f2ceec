import Glibc
import ProviumSystem
import Testing

@testable import ProviumRuntime

/// A project in a folder of its own, with test folder `tests` and empty scripts.
private final class Tree {
  let path = "/tmp/provium-locator-\(getpid())-\(UInt32.random(in: 0 ... .max))"
  var configuration: Configuration

  /// - Parameter shared: the value of `fixtures` in provium.toml.
  init(_ scripts: [String], shared: [String] = []) throws {
    try Files.createDirectories("\(path)/tests")
    let list = shared.map { "\"\($0)\"" }.joined(separator: ", ")
    configuration = try ConfigurationFile.parse(
      "[provium]\ntests = [\"tests\"]\nfixtures = [\(list)]\n",
      path: "\(path)/provium.toml"
    )
    for script in scripts { try add(script) }
  }
  deinit { try? Files.removeTree(path) }

  func add(_ script: String) throws {
    let file = "\(path)/\(script)"
    try Files.createDirectories(Files.parent(of: file))
    try Files.write([], to: file)
  }

  func find(_ name: String, from file: String = "tests/a.lua") throws -> Fixture {
    try FixtureLocator(configuration: configuration).find(
      name,
      from: FixtureSearch(folder: Files.parent(of: "\(path)/\(file)"), root: "\(path)/tests")
    )
  }

  /// The found script, relative to the project.
  func source(_ name: String, from file: String = "tests/a.lua") throws -> String {
    String(try find(name, from: file).source.dropFirst(path.count + 1))
  }
}

@Suite("Folders of fixtures") struct FixtureLocatorTests {
  @Test("a fixture beside the test is found before one in a folder above, and before a shared one")
  func order() throws {
    let tree = try Tree(
      ["Fixtures/base.lua", "fixtures/base.lua", "tests/fixtures/base.lua", "tests/net/fixtures/base.lua"],
      shared: ["Fixtures"]
    )
    #expect(try tree.source("base", from: "tests/net/a.lua") == "tests/net/fixtures/base.lua")
    for (gone, next) in [
      ("tests/net/fixtures/base.lua", "tests/fixtures/base.lua"),
      ("tests/fixtures/base.lua", "fixtures/base.lua"), ("fixtures/base.lua", "Fixtures/base.lua"),
    ] {
      try Files.removeTree("\(tree.path)/\(gone)")
      #expect(try tree.source("base", from: "tests/net/a.lua") == next)
    }
  }

  @Test("a shared folder has scripts in it, and in its subfolders by their paths") func subfolders() throws {
    let tree = try Tree(["shared/one.lua", "shared/net/two.lua"], shared: ["shared"])
    #expect(try tree.source("one") == "shared/one.lua")
    #expect(try tree.source("net/two") == "shared/net/two.lua")
    #expect(try tree.find("net/two").name == "net/two")
    #expect(try tree.find("./net/../net/two").name == "net/two")
  }

  @Test("a name that two shared folders have is an error that names both") func ambiguous() throws {
    let tree = try Tree(["one/base.lua", "two/base.lua", "two/other.lua"], shared: ["one", "two"])
    let error = #expect(throws: FixtureError.self) { try tree.find("base") }
    let (first, second) = (
      Files.display("\(tree.path)/one/base.lua"), Files.display("\(tree.path)/two/base.lua")
    )
    #expect(
      error?.description.hasPrefix("the fixture 'base' is ambiguous: it is \(first) and \(second); ") == true,
      "\(error?.description ?? "")"
    )
    #expect(error?.code == .invalidUse)
    #expect(try tree.source("other") == "two/other.lua")
    // The test's own folder decides.
    try tree.add("tests/fixtures/base.lua")
    #expect(try tree.source("base") == "tests/fixtures/base.lua")
  }

  @Test("one shared folder that is named twice is not ambiguous") func namedTwice() throws {
    let tree = try Tree(["one/base.lua"], shared: ["one", "./one/", "tests/../one"])
    #expect(try tree.source("base") == "one/base.lua")
  }

  @Test("a shared folder that does not exist is an error that names it and provium.toml") func noFolder()
    throws
  {
    let tree = try Tree(["tests/fixtures/own.lua"], shared: ["nowhere"])
    #expect(try tree.source("own") == "tests/fixtures/own.lua")
    let error = #expect(throws: FixtureError.self) { try tree.find("base") }
    let (file, folder) = (Files.display("\(tree.path)/provium.toml"), Files.display("\(tree.path)/nowhere"))
    #expect(
      error?.description == "\(file): 'fixtures' names the folder \(folder), which does not exist"
    )
  }

  @Test("an unknown name lists the shared folders, and hints at a name in them") func unknown() throws {
    let tree = try Tree(["shared/base.lua"], shared: ["shared"])
    let error = #expect(throws: FixtureError.self) { try tree.find("bsae") }
    let text = error?.description ?? ""
    #expect(text.contains("'bsae' (did you mean 'base'?)"), "\(text)")
    #expect(text.contains(Files.display("\(tree.path)/shared/bsae.lua")), "\(text)")
  }

  @Test("a shared fixture finds another one in its own folder, also when the test's folder has that name")
  func ownFolder() throws {
    let tree = try Tree(
      ["shared/top.lua", "shared/base.lua", "tests/fixtures/base.lua"],
      shared: ["shared"]
    )
    #expect(try tree.source("base", from: "shared/top.lua") == "shared/base.lua")
    #expect(try tree.source("base") == "tests/fixtures/base.lua")
  }

  @Test("the key 'fixtures' is a list of folders") func badValue() {
    for (value, complaint) in [
      ("\"Fixtures\"", "'provium.fixtures' is \"Fixtures\", but must be a list of strings"),
      ("[1]", "'provium.fixtures' is 1, but must be a list of strings"),
      ("[\"\"]", "'provium.fixtures' is a list with an empty string, but must be a list of folders"),
    ] {
      let error = #expect(throws: ConfigurationError.self) {
        try ConfigurationFile.parse("[provium]\nfixtures = \(value)\n", path: "/p/provium.toml")
      }
      #expect(error?.description == "/p/provium.toml:2: \(complaint)")
    }
  }
}
