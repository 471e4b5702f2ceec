import ProviumSystem
import Testing

@Suite("Running again, and stopping") struct RepetitionTests {
  /// Fails in the runs whose number is in `failures`.
  private static func counting(_ failures: String, in part: String = "test('odd', function() CHECK end)")
    -> String
  {
    """
    local file = io.open('count') local count = file and tonumber(file:read('a')) or 0
    if file then file:close() end
    file = io.open('count', 'w') file:write(count + 1) file:close()
    \(part.replacing("CHECK", with: "if ('\(failures)'):find(tostring(count + 1)) then error('now') end"))
    test('even', function() end)
    """
  }
  private static let passing = "test('t', function() end)\n"
  private static let failing = "test('t', function() assert(false) end)\n"
  /// An infrastructure error in the first run only: there is no QEMU.
  private static let recovering = """
    local file = io.open('once')
    if file then file:close() else io.open('once', 'w'):close() provium.create():boot() end
    test('t', function() end)
    """

  private func rounds(_ suite: QuickSuite) throws -> Int? {
    Int(try Files.readText("\(suite.project.path)/count"))
  }

  @Test("--repeat runs the files so often, and --flaky tells what did not stay the same") func flaky() throws
  {
    let suite = try QuickSuite(["a.lua": Self.counting("2")])
    let command = try suite.test("--repeat", "4", "--flaky")
    #expect(command.status == .exited(1))
    #expect(try rounds(suite) == 4)
    #expect(
      command.output.hasSuffix("flaky:\n  a.lua / odd: failed 1 of 4 times (25 %)\n"),
      "\(command.text)"
    )
    #expect(
      try QuickSuite(["a.lua": Self.passing]).test("--repeat", "2", "--flaky").output.contains("no test both")
    )
  }

  @Test("--flaky counts what fails outside of sub-tests, too") func flakyScript() throws {
    let suite = try QuickSuite(["a.lua": Self.counting("13", in: "CHECK")])
    let command = try suite.test("--repeat", "4", "--flaky")
    #expect(command.output.contains("  a.lua: failed 2 of 4 times (50 %)\n"), "\(command.text)")
  }

  @Test("--until-failure ends with the failure; --repeat bounds it") func untilFailure() throws {
    let suite = try QuickSuite(["a.lua": Self.counting("3")])
    #expect(try suite.test("--until-failure").status == .exited(1))
    #expect(try rounds(suite) == 3)
    #expect(try suite.test("--until-failure", "--repeat", "2").status == .exited(0))
    #expect(try rounds(suite) == 5)
  }

  @Test("--fail-fast starts nothing more, and says so only when something was left") func failFast() throws {
    let suite = try QuickSuite(["a.lua": Self.failing, "b.lua": Self.passing])
    let command = try suite.test("-p", "1", "--fail-fast")
    #expect(command.status == .exited(1))
    #expect(command.output.contains("stopped early: a file failed (--fail-fast); 1 file did not run"))
    #expect(!command.output.contains("b.lua ..."))
    #expect(!(try suite.test("--fail-fast", "-f", "a.lua").output.contains("stopped early")))
    #expect(try suite.test("--fail-fast", "-f", "a.lua", "--repeat", "2").output.contains("stopped early"))
  }

  @Test("--retries runs a file again after an infrastructure error, never after a failure") func retries()
    throws
  {
    let suite = try QuickSuite(["a.lua": Self.counting("123"), "h.lua": Self.recovering])
    let command = try suite.test("--retries", "2")
    #expect(command.status == .exited(1))
    #expect(
      command.output.contains("Passed only when run again, after an infrastructure error:\n  h.lua  →  "),
      "\(command.text)"
    )
    #expect(command.output.contains("FAIL: 1 file passed, 1 failed, 1 retried"))
    #expect(try rounds(suite) == 1)
  }

  @Test("exit codes distinguish a failed test from an infrastructure error") func exitCodes() throws {
    let suite = try QuickSuite(["h.lua": Self.recovering, "a.lua": Self.failing])
    #expect(try suite.test("-f", "h.lua").status == .exited(2))
    try suite.project.shell("rm once")
    #expect(try suite.test().status == .exited(1))
  }
}

@Suite("provium test --watch", .timeLimit(.minutes(15))) struct WatchTests {
  /// Starts a watch, waits for each text in turn (each comes but once), and does then what follows it; ends it with Ctrl-C.
  private func watch(_ suite: QuickSuite, _ arguments: String, _ steps: [(text: String, action: String)])
    throws
    -> String
  {
    let script = steps.map { text, action in
      "until grep -qF '\(text)' out; do kill -0 $pid; sleep 0.02; done\n\(action)"
    }
    return try suite.project.shell(
      """
      : > out
      PROVIUM_QEMU=/no/qemu TMPDIR=$PWD '\(Command.binary)' test --watch \(arguments) > out 2>&1 &
      pid=$!
      \(script.joined(separator: "\n"))
      kill -INT $pid
      wait $pid || echo "exit $?"
      cat out
      """
    )
  }

  @Test("goes on after a failure, also with --fail-fast") func failFast() throws {
    let suite = try QuickSuite(["a.lua": "test('t', function() assert(false) end)\n"])
    let output = try watch(
      suite,
      "--fail-fast",
      [
        ("watching 2 files", "echo \"test('t', function() end)\" > tests/a.lua"), ("ok: 1 file passed", ":"),
      ]
    )
    #expect(output.hasPrefix("exit 130\n"), "\(output)")
    #expect(output.contains("changed: tests/a.lua"))
  }

  @Test("reads a changed provium.toml again, once it is right") func configuration() throws {
    let suite = try QuickSuite([
      "a.lua": "test('t', function() end)\n", "../more/b.lua": "test('t', function() end)\n",
    ])
    let output = try watch(
      suite,
      "",
      [
        ("watching 2 files", "echo '[provium' > provium.toml"),
        (
          "watching provium.toml",
          "printf '[provium]\\ntests = [\"tests\", \"more\"]\\ncache = \"cache\"\\n' > provium.toml"
        ),
        ("watching 3 files", ":"),
      ]
    )
    #expect(output.hasPrefix("exit 130\n"), "\(output)")
    #expect(output.contains("provium.toml:1:"))
    #expect(output.contains("more/b.lua ... ok"))
  }
}

@Suite("Reports of provium test") struct ReportCommandTests {
  private let suite: QuickSuite

  init() throws {
    suite = try QuickSuite([
      "a.lua": "test('good', function() end)\ntest('bad', function() assert_eq(1, 2) end)\n"
    ]
    )
  }

  @Test("any number at once: TAP, JUnit, JSON lines, HTML") func files() throws {
    try suite.test("--tap", "t.tap", "--junit", "j.xml", "--json", "e.json", "--html", "p.html")
    func text(_ name: String) throws -> String { try Files.readText("\(suite.project.path)/\(name)") }
    #expect(try text("t.tap").hasPrefix("TAP version 13\n"))
    #expect(try text("t.tap").contains("not ok 2 - bad"))
    #expect(try text("j.xml").contains("<testcase name=\"bad\""))
    #expect(try suite.events("e.json").last?["event"] as? String == "run_ended")
    #expect(try text("p.html").contains("a.lua"))
  }

  @Test("on standard output leave the terminal's lines on standard error") func output() throws {
    let command = try suite.test("--tap", "-")
    #expect(command.output.hasPrefix("TAP version 13\n"))
    #expect(command.errors.contains("FAIL: 0 files passed, 1 failed"))
  }

  @Test("annotate lines on GitHub") func gitHub() throws {
    let command = try suite.test(environment: ["GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": "summary.md"])
    #expect(command.output.contains("::error file=tests/a.lua,line=2,title="), "\(command.text)")
    #expect(try Files.readText("\(suite.project.path)/summary.md").contains("a.lua"))
  }

  @Test(
    "redraw nothing on a terminal that cannot",
    .enabled(if: ToolRun.find("script") != nil, "no script(1)")
  )
  func dumb() throws {
    func run(_ terminal: String) throws -> String {
      try suite.project.shell(
        "PROVIUM_QEMU=/no/qemu TMPDIR=$PWD TERM=\(terminal) script -qec \"'\(Command.binary)' test\" /dev/null || true"
      )
    }
    #expect(try run("xterm").contains("\u{1B}["))
    #expect(try !run("dumb").contains("\u{1B}["))
  }
}
