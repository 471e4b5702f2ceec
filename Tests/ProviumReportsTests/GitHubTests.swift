import ProviumEvents
import ProviumReports
import ProviumSystem
import Testing

@Suite("GitHub's report") struct GitHubTests {
  @Test("annotates the line of each failure, and shows warnings") func annotations() {
    #expect(
      GitHubReport.annotations(of: SampleRun.record, workspace: "/w") == [
        "::error file=tests/token.lua,line=14,title=token.lua · denies others::tests/token.lua:14: expected \"0\", got \"-13\"",
        "::error file=tests/token.lua,line=30,title=token.lua · outer / second"
          + "::tests/token.lua:30: texts differ:%0A- one%0A+ two%0A  three",
        "::error title=weird.lua · \"<b>&amp;' red\\x07 👩‍🚀 שלום \\u{202E}gnp.exe ]]> #1 second line"
          + "::(kernel report) BUG: KASAN: <use-after-free>\\x00\\u{FFFE}%0A        Call trace",
        "::warning title=provium%3A net/tcp.lua::infrastructure error, running it again (1 of 1)",
      ]
    )
  }

  @Test("names files relative to the repository, and escapes the properties of commands") func properties() {
    let failure = Failure(
      kind: .assertion,
      message: "100% ::wrong",
      location: ScriptLocation(file: "/w/a,b:c.lua", line: 3)
    )
    let result = FileResult(file: "x", outcome: .failed(failure), subTests: [], duration: 1)
    let record = RunRecord([TimedEvent(time: 0, event: .fileEnded(result))])
    #expect(
      GitHubReport.annotations(of: record, workspace: "/w")
        == ["::error file=a%2Cb%3Ac.lua,line=3,title=x::/w/a,b:c.lua:3: 100%25 ::wrong"]
    )
  }

  @Test("names sub-tests of one name by an ordinal, also on the HTML page") func ordinals() {
    let failure = Failure(kind: .assertion, message: "m", location: SampleRun.at(1))
    let result = FileResult(
      file: "a.lua",
      outcome: .passed,
      subTests: [SampleRun.test(["t"], .failed(failure)), SampleRun.test(["t"], .failed(failure))],
      duration: 1
    )
    let record = RunRecord([TimedEvent(time: 1, event: .fileEnded(result))])
    let titles = GitHubReport.annotations(of: record, workspace: nil).compactMap {
      $0.split(separator: "title=").last
    }
    #expect(titles == ["a.lua · t::tests/boot.lua:1: m", "a.lua · t #2::tests/boot.lua:1: m"])
    #expect(StepSummary(of: record).text.contains("<b>a.lua · t #2</b>"))
    #expect(HTMLPage(of: record).text.contains("<bdi class=\"name\">t #2</bdi>"))
  }

  @Test("writes only as many annotations as GitHub shows") func many() {
    let failed = Outcome.failed(Failure(kind: .assertion, message: "m"))
    let tests = (0..<25).map { SampleRun.test(["t\($0)"], failed) }
    let result = FileResult(file: "x", outcome: .passed, subTests: tests, duration: 1)
    let lines = GitHubReport.annotations(
      of: RunRecord([TimedEvent(time: 0, event: .fileEnded(result))]),
      workspace: nil
    )
    #expect(lines.count == 10)
    #expect(lines[9] == "::error title=provium::16 more failures: see the step's summary and its log")
  }

  @Test("writes a summary of the step, in which all names are escaped") func summary() throws {
    let scratch = try Scratch()
    let path = "\(scratch.path)/summary.md"
    try Files.write(Array("before\n".utf8), to: path)
    let environment = ["GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": path]
    let sink = GitHubReport.sink(environment: { environment[$0] }, output: Collected().output)
    let report = try #require(sink)
    try SampleRun.events.replay(into: [report])
    let text = try Files.readText(path)
    #expect(text.hasPrefix("before\n## ❌ provium: 2 passed, 2 failed\n"))
    #expect(text.contains("**Passed only when run again:** net/tcp.lua"))
    #expect(text.contains("&lt;use-after-free&gt;") && !text.contains("<b>&amp;'"))
    #expect(text.contains("<details><summary><b>token.lua · denies others</b></summary>"))
  }

  @Test("is not made outside of GitHub Actions") func outside() {
    #expect(GitHubReport.sink(environment: { _ in nil }) == nil)
  }
}
