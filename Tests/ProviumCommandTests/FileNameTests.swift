import Foundation
import Glibc
import ProviumSystem
import Testing

@Suite("Names and kinds of test files") struct FileNameTests {
  private static let passing = "test('t', function() end)\n"
  private static let failing = "test('t', function() error('must be seen') end)\n"
  private static let composed = "caf\u{E9}.lua"
  private static let decomposed = "cafe\u{301}.lua"

  /// The names of a run's files, by outcome of their sub-tests.
  private func verdicts(_ suite: QuickSuite, _ arguments: String...) throws -> [ExactString: String] {
    let command = try suite.run(["test", "--json", "e.json"] + arguments)
    #expect(try #require(command.exitCode) <= 1, "\(command.text)")
    var verdicts: [ExactString: String] = [:]
    for event in try suite.events("e.json") where event["event"] as? String == "file_ended" {
      let tests = event["tests"] as? [[String: Any]] ?? []
      verdicts[ExactString(event["file"] as? String ?? "")] = tests.first?["outcome"] as? String
    }
    return verdicts
  }

  @Test("two files whose names differ only in their Unicode normal form both run, and are remembered apart")
  func normalForms() throws {
    let suite = try QuickSuite([:])
    try Files.createDirectories("\(suite.project.path)/tests")
    try suite.project.write(Self.passing, to: "tests/\(Self.composed)")
    try suite.project.write(Self.failing, to: "tests/\(Self.decomposed)")
    let expected = [ExactString(Self.composed): "passed", ExactString(Self.decomposed): "failed"]
    #expect(try verdicts(suite) == expected)
    #expect(try verdicts(suite, "tests/\(Self.composed)") == [ExactString(Self.composed): "passed"])
    #expect(try suite.list().map { ExactString($0) } == [ExactString(Self.decomposed), ExactString(Self.composed)])
    #expect(try suite.list("--rerun-failed").map { ExactString($0) } == [ExactString(Self.decomposed)])
    let command = try suite.test()
    #expect(command.status == .exited(1), "\(command.text)")
    #expect(command.output.contains("1 failed"), "\(command.text)")
  }

  @Test("shards share out files whose names differ only in their Unicode normal form") func shards() throws {
    let suite = try QuickSuite([:])
    try Files.createDirectories("\(suite.project.path)/tests")
    for name in [Self.composed, Self.decomposed] { try suite.project.write(Self.passing, to: "tests/\(name)") }
    let parts = try (1...2).flatMap { try suite.list("--shard", "\($0)/2") }.map { ExactString($0) }
    #expect(Set(parts) == [ExactString(Self.composed), ExactString(Self.decomposed)])
    #expect(parts.count == 2)
  }

  @Test("a file whose name is not UTF-8 runs, however it is named, and is shown by its bytes") func bytes()
    throws
  {
    let suite = try QuickSuite([:])
    try Files.createDirectories("\(suite.project.path)/tests")
    for (byte, text) in [(UInt8(0xFF), Self.failing), (0xFE, Self.passing)] {
      let name = Array("tests/bad".utf8) + [byte] + Array(".lua".utf8)
      try suite.project.write(text, to: PathText.decode(name))
    }
    #expect(try verdicts(suite) == ["bad\\xFF.lua": "failed", "bad\\xFE.lua": "passed"])
    #expect(try suite.list("--rerun-failed") == ["bad\\xFF.lua"])
    let given = PathText.decode(Array("tests/bad".utf8) + [0xFE] + Array(".lua".utf8))
    #expect(try verdicts(suite, given) == ["bad\\xFE.lua": "passed"])
    let missing = try suite.test(PathText.decode([0x78, 0xFD] + Array(".lua".utf8)))
    #expect(missing.status == .exited(2))
    #expect(missing.errors == "provium: x\\xFD.lua: no such file or folder\n")
    let history = try suite.run(["history", "bad"]).output
    #expect(history.contains("bad\\xFF.lua / t"), "\(history)")
  }

  @Test("a test file in a folder whose name is not UTF-8 loads modules from there") func folder() throws {
    let suite = try QuickSuite([:])
    let folder = PathText.decode(Array("tests/d".utf8) + [0xFF])
    try Files.createDirectories("\(suite.project.path)/\(folder)")
    try suite.project.write("assert(require('m') == 7)\n" + Self.passing, to: "\(folder)/a.lua")
    try suite.project.write("return 7\n", to: "\(folder)/m.lua")
    #expect(try verdicts(suite, "\(folder)/a.lua")["a.lua"] == "passed")
  }

  @Test("a file whose name begins with an underscore is a test file; a helper passes silently")
  func underscore() throws {
    let suite = try QuickSuite(["_a.lua": Self.failing, "_helper.lua": "return {}\n"])
    let command = try suite.test()
    #expect(command.status == .exited(1))
    #expect(command.output.contains("must be seen"), "\(command.text)")
    #expect(try suite.list() == ["_a.lua", "_helper.lua"])
  }

  @Test("each file runs once, whatever symbolic links lead to its folder") func links() throws {
    let suite = try QuickSuite(["a/x.lua": Self.passing])
    try suite.project.shell("cd tests; ln -s . self; ln -s .. a/up; ln -s a b")
    #expect(try verdicts(suite) == ["a/x.lua": "passed"])
  }

  @Test("pipes, sockets and devices named like test files are skipped, and said") func kinds() throws {
    let suite = try QuickSuite(["a.lua": Self.passing])
    try suite.project.shell("mkfifo tests/pipe.lua; ln -s /dev/zero tests/zero.lua")
    let command = try suite.test()
    #expect(command.status == .exited(0), "\(command.text)")
    #expect(command.errors.contains("warning: tests/pipe.lua is not run: it is a named pipe"), "\(command.text)")
    #expect(command.errors.contains("warning: tests/zero.lua is not run: it is a device"), "\(command.text)")
    let given = try suite.test("tests/pipe.lua")
    #expect(given.status == .exited(2))
    #expect(given.errors == "provium: tests/pipe.lua: not a test file: it is a named pipe\n")
  }

  @Test("a script that loads a pipe fails instead of waiting for ever") func loadedPipe() throws {
    let suite = try QuickSuite(["a.lua": "dofile('tests/pipe.txt')\n"])
    try suite.project.shell("mkfifo tests/pipe.txt")
    let command = try suite.test()
    #expect(command.status == .exited(1) || command.status == .exited(2), "\(command.text)")
    #expect(command.text.contains("cannot load"), "\(command.text)")
    #expect(command.text.contains("it is a named pipe"), "\(command.text)")
  }

  @Test("a relative HOME is a folder below the current directory") func relativeHome() throws {
    let project = try Project(["tests/a.lua": Self.passing])
    let environment = [
      "HOME": "home", "PROVIUM_QEMU": "/no/qemu", "PROVIUM_ACCEL": "tcg", "TMPDIR": project.path,
    ]
    let command = try Command("test", "tests", in: project.path, environment: environment)
    #expect(command.status == .exited(0), "\(command.text)")
    #expect(Files.exists("\(project.path)/home/.cache/provium/history.sqlite"))
  }
}
