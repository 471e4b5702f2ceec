import Foundation
import Glibc
import ProviumSystem
import Testing

@Suite("provium repl", .enabled(if: noMachines == nil, Comment(rawValue: noMachines ?? "")), .serialized)
struct ReplTests {
  @Test("evaluates its input line by line, and shows values, output and errors") func input() throws {
    let project = try Project([
      "input": """
      1 + 1, "two"
      vm:exec("echo out; exit 3").exit_code
      for i = 1, 2 do

        print("line " .. i)
      end
      nothing.x
      vm:exex("true")
      test("fails", function() assert_eq(1, 2) end)
      x = = 1
      provium.version ~= nil
      """,
      "half": "for i = 1, 2 do\n",
    ])
    let run = try project.shell(
      "\(Command.binary) repl --mem 128M < input 2> errors || echo code $?",
      seconds: 120
    )
    #expect(run == "2\t\"two\"\n3\nline 1\nline 2\ntrue\ncode 1\n", "\(run)")
    let errors = try Files.readText("\(project.path)/errors")
    #expect(
      errors == """
        attempt to index a nil value (global 'nothing')
        vm has no method 'exex' (did you mean 'exec'?)
        fails: expected 1, got 2
        unexpected symbol near '='

        """
    )
    let half = try project.shell("\(Command.binary) repl < half 2>&1 || echo code $?", seconds: 120)
    #expect(
      half.contains("the input ends in the middle of: for i = 1, 2 do") && half.hasSuffix("code 1\n"),
      "\(half)"
    )
    let both = try Command("repl", "--fixture", "x", "--profile", "y", in: project.path)
    #expect(
      both.status == .exited(2) && both.errors.contains("a fixture has its own profile"),
      "\(both.text)"
    )
    let unknown = try Command("repl", "--fixture", "none", in: project.path)
    #expect(unknown.status == .exited(2) && unknown.errors.contains("none"), "\(unknown.text)")
  }

  @Test("on a terminal edits lines, completes names, and finds the lines before") func terminal() throws {
    let project = try Project(withCache: ["tests/a.lua": ""])
    let session = try TerminalSession("repl", [], in: project)
    try session.expect("> ", seconds: 120)
    // Left, an insertion, and the end of the line.
    try session.type("1 + 2\u{1B}[D3\r")
    try session.expect("\n33\r\n")
    try session.type("vm:sna\t")
    try session.expect("vm:snapshot")
    try session.type("\u{15}vm:s\t")
    try session.expect("shutdown")
    try session.type("\u{15}provium.ver\t\r")
    try session.expect("\"0.")
    // A statement over two lines, and one that is given up.
    try session.type("do x = 40 + 2\r")
    try session.expect(">> ")
    try session.type("end\rx\r")
    try session.expect("\n42\r\n")
    try session.type("do\r")
    try session.expect(">> ")
    try session.type("\u{3}1 + 1\r")
    try session.expect("\n2\r\n")
    // The lines before, newest first.
    try session.type("\u{1B}[A\u{1B}[A\u{1B}[A + 1\r")
    try session.expect("\n43\r\n")
    try session.expect("> ")
    try session.type("\u{4}")
    #expect(try session.child.wait(until: .after(.seconds(60))) == .exited(0))
    let history = try Files.readText("\(project.path)/cache/repl-history")
    #expect(history.hasPrefix("1 + 32\nprovium.version\ndo x = 40 + 2\nend\nx\ndo\n1 + 1\n"), "\(history)")
  }
}
