import Foundation
import ProviumSystem
import Testing

/// Reports of real runs, of files that need no machine.
@Suite("Reports of a run") struct ReportTests {
  private static let files = [
    "provium.toml": "[provium]\ntests = [\"tests\"]\ncache = \"cache\"\n",
    "tests/a_good.lua": "test('fine', function() end)\n",
    "tests/b_nested.lua": """
    test('outer', function()
      test('inner', function() print('shown by inner'); assert_eq(1, 2) end)
      test('other', function() end)
    end)
    """,
    "tests/c_broken.lua": "error('broken outside')\n",
    "tests/d_good.lua": "test('fine', function() end)\ntest('later', { skip = 'not now' }, function() end)\n",
  ]

  @Test("show an outer test as failed when an inner one is, in every form") func nested() throws {
    let project = try Project(Self.files)
    let command = try Command(
      "test",
      "-p",
      "1",
      "--junit",
      "j.xml",
      "--tap",
      "t.tap",
      "--json",
      "e.json",
      "--html",
      "p.html",
      in: project.path
    )
    #expect(command.status == .exited(1))
    #expect(
      command.output.contains("· outer ... FAIL: ") && command.output.contains("inner tests failed: inner")
    )
    #expect(command.output.contains("· outer / other ... ok"))
    let junit = try Files.readText("\(project.path)/j.xml")
    #expect(junit.contains("<failure message=\"inner tests failed: inner\" type=\"inner\">"))
    let tap = try Files.readText("\(project.path)/t.tap")
    #expect(tap.contains("not ok 1 - outer\n") && tap.contains("ok 2 - other\n"))
    let page = try Files.readText("\(project.path)/p.html")
    #expect(page.contains("inner tests failed: inner"))
    let events = try EventFile("\(project.path)/e.json")
    let ending = try #require(events.named("run_ended").first)
    #expect(ending["tests_failed"] as? Int == 2 && ending["tests_passed"] as? Int == 3)
    #expect(ending["failed"] as? Int == 2)
  }

  @Test("have standard output alone, also inside GitHub Actions") func standardOutput() throws {
    let project = try Project(Self.files)
    let json = try Command("test", "--json", "-", in: project.path, environment: ["GITHUB_ACTIONS": "true"])
    for line in json.output.split(separator: "\n") { #expect(line.hasPrefix("{\"v\":"), "\(line)") }
    #expect(json.errors.contains("::error file="))
    let junit = try Command("test", "--repeat", "2", "--flaky", "--junit", "-", in: project.path)
    #expect(junit.output.hasPrefix("<?xml") && junit.output.hasSuffix("</testsuites>\n"))
    #expect(junit.errors.contains("no test both passed and failed"))
  }

  @Test(
    "have a name of its own for each test case",
    .enabled(if: ToolRun.find("prove") != nil, "prove is not installed")
  )
  func uniqueNames() throws {
    let suite = try QuickSuite([
      "a.b.lua": "test('same', function() end)", "a_b.lua": "test('same', function() end)",
      "flaky.lua": "test('t', function() end)",
    ])
    #expect(try suite.test("--repeat", "2", "--junit", "j.xml", "--tap", "t.tap").status == .exited(0))
    let cases = try Files.readText("\(suite.project.path)/j.xml").split(separator: "\n")
      .filter { $0.contains("<testcase ") }.map { $0.replacing(#/ time="[^"]*"/#, with: "") }
    #expect(cases.count == 6)
    #expect(Set(cases).count == 6, "\(cases)")
    let prove = try ToolRun.run("prove", ["-e", "cat", "\(suite.project.path)/t.tap"], allowFailure: true)
    #expect(prove.status.isSuccess && prove.outputText.contains("Result: PASS"), "\(prove.outputText)")
  }

  @Test(
    "that cannot be written end the run with exit code 2 and one error",
    arguments: [
      ("--junit /dev/full", ""), ("--tap /dev/full", ""), ("--json /dev/full", ""), ("--html /dev/full", ""),
      ("--report github=/dev/full", ""), ("", "> /dev/full"), ("-q", "> /dev/full"),
      ("--junit -", "> /dev/full"),
      ("", "| true"), ("--json -", "| true"), ("--tap >(true)", ""), ("--json >(true)", ""),
      ("--html >(true)", ""),
    ]
  )
  func unwritable(options: String, redirection: String) throws {
    let project = try Project([
      "tests/a.lua": "for n = 1, 300 do test('t' .. n, function() print(n) end) end\n"
    ])
    // The reader of the pipe is gone before Provium writes its first line.
    let script = """
      export PROVIUM_QEMU=/no/qemu PROVIUM_ACCEL=tcg
      { sleep 0.3; "$1" test tests \(options); echo "status $?" >&2; } \(redirection)
      """
    let run = try ToolRun.run(
      "bash",
      ["-c", script, "bash", Command.binary],
      directory: project.path,
      allowFailure: true
    )
    let errors = run.errorText
    #expect(errors.contains("status 2\n"), "\(errors)")
    #expect(errors.components(separatedBy: "provium: cannot write the ").count == 2, "\(errors)")
    #expect(errors.contains("ENOSPC") || errors.contains("EPIPE"), "\(errors)")
  }

  @Test(
    "open in a browser: failed files first, and all text can be searched",
    .enabled(if: Self.browser != nil, "no chromium is installed"),
    .timeLimit(.minutes(15))
  )
  func page() throws {
    let project = try Project(Self.files)
    let path = "\(project.path)/p.html"
    _ = try Command("test", "--html", path, in: project.path)
    let look = """
      <script>
      const s = document.getElementById('search'), shown = document.getElementById('shown'), data = document.body.dataset;
      data.all = shown.textContent;
      data.order = [...document.querySelectorAll('.file .name')].map(f => f.textContent).filter(n => n.endsWith('.lua')).join(' ');
      const steps = [['output', 'shown by inner'], ['own', 'broken outside']];
      (function step() {
        const next = steps.shift();
        if (!next) return;
        s.value = next[1];
        s.dispatchEvent(new Event('input'));
        setTimeout(() => { data[next[0]] = shown.textContent; step(); }, 200);
      })();
      </script></body>
      """
    let page = try Files.readText(path)
    try Files.write(Array(page.replacing("</body>", with: look).utf8), to: path, mode: 0o644)
    let dom = try ToolRun.run(
      Self.browser ?? "",
      [
        "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir=\(project.path)/profile",
        "--virtual-time-budget=5000", "--dump-dom", "file://\(path)",
      ],
      deadline: .after(.seconds(90))
    ).outputText
    #expect(dom.contains("data-all=\"6 tests in 4 files\""))
    #expect(
      dom.contains("data-order=\"b_nested.lua c_broken.lua")
        || dom.contains("data-order=\"c_broken.lua b_nested.lua")
    )
    #expect(dom.contains("data-output=\"1 tests in 1 files\""))
    #expect(dom.contains("data-own=\"0 tests in 1 files\""))
  }

  private static let browser = ["chromium", "chromium-browser", "google-chrome"].lazy
    .compactMap { ToolRun.find($0) }.first
}
