import Foundation
import ProviumSystem
import Testing

@Suite("Kinds of test files") struct TestFileKindTests {
  private static let passing = "test('t', function() end)\n"
  private static let failing = "test('t', function() error('must be seen') end)\n"

  /// The outcome of each file's first sub-test, by the file's name.
  private func verdicts(_ suite: QuickSuite, _ arguments: String...) throws -> [String: String] {
    let command = try suite.run(["test", "--json", "e.json"] + arguments)
    #expect(try #require(command.exitCode) <= 1, "\(command.text)")
    var verdicts: [String: String] = [:]
    for event in try suite.events("e.json") where event["event"] as? String == "file_ended" {
      let tests = event["tests"] as? [[String: Any]] ?? []
      verdicts[event["file"] as? String ?? ""] = tests.first?["outcome"] as? String
    }
    return verdicts
  }

  @Test("a test file in a folder whose name is not UTF-8 loads modules from there") func folder() throws {
    let suite = try QuickSuite([:])
    let folder = PathText.string(of: Array("tests/d".utf8) + [0xFF])
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
    #expect(
      command.errors.contains("warning: tests/pipe.lua is not run: it is a named pipe"),
      "\(command.text)"
    )
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
