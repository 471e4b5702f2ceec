import ProviumEvents
import ProviumReports
import ProviumSystem
import Testing

@Suite("The TAP report") struct TAPTests {
  @Test("writes exactly the expected text of a whole run") func golden() {
    #expect(TAPDocument(of: SampleRun.record).text == Golden.tap)
  }

  @Test("has as many test points as each plan says, at each depth") func plans() {
    #expect(Self.faults(TAPDocument(of: SampleRun.record).text) == [])
  }

  @Test("bails out of a stopped run, whose plan counts the files that did not run") func stopped() {
    let text = TAPDocument(of: RunRecord(SampleRun.interrupted)).text
    #expect(text.contains("\n1..6\n"))
    #expect(text.hasSuffix("Bail out! the run did not end\n"))
  }

  @Test("escapes names, so that none becomes a directive or a line of its own") func escaping() {
    let result = FileResult(
      file: "a # SKIP.lua",
      outcome: .passed,
      subTests: [SampleRun.test(["x\nok 2 # TODO \\"], .passed)],
      duration: 1
    )
    let text = TAPDocument(of: RunRecord([TimedEvent(time: 1, event: .fileEnded(result))])).text
    #expect(text.contains("    ok 1 - x ok 2 \\# TODO \\\\\n"))
    #expect(text.contains("\nok 1 - a \\# SKIP.lua\n"))
  }

  @Test(
    "writes texts of several lines as a block, or as one quoted string where a block is not safe",
    arguments: [
      ("one\n---\n  ...\nend: x", "message: |\n    one\n    ---\n      ...\n    end: x\n"),
      ("  two spaces\nend", "message: \"  two spaces\\nend\"\n"),
      ("one\n\ntwo", "message: \"one\\n\\ntwo\"\n"), ("one\n  \ntwo", "message: \"one\\n  \\ntwo\"\n"),
      ("a \"b\" \\ c", "message: \"a \\\"b\\\" \\\\ c\"\n"), ("", "message: \"\"\n"),
    ]
  )
  func yaml(message: String, expected: String) {
    let failure = Failure(kind: .assertion, message: message)
    let result = FileResult(file: "a.lua", outcome: .failed(failure), subTests: [], duration: 1)
    let text = TAPDocument(of: RunRecord([TimedEvent(time: 1, event: .fileEnded(result))])).text
    #expect(text.contains("  \(expected)"), "\(text)")
  }

  @Test("names sub-tests of one name by an ordinal") func ordinals() {
    let result = FileResult(
      file: "a.lua",
      outcome: .passed,
      subTests: [["o", "i"], ["o", "i"], ["o"], ["o"]].map { SampleRun.test($0, .passed) },
      duration: 1
    )
    let text = TAPDocument(of: RunRecord([TimedEvent(time: 1, event: .fileEnded(result))])).text
    let points = text.split(separator: "\n").map { $0.drop { $0 == " " } }.filter { $0.hasPrefix("ok") }
    #expect(points == ["ok 1 - i", "ok 2 - i \\#2", "ok 1 - o", "ok 2 - o \\#2", "ok 1 - a.lua"])
  }

  @Test("has a plan of no tests for a run without test files") func empty() {
    #expect(TAPDocument(of: RunRecord()).text.hasPrefix("TAP version 13\n1..0 # SKIP no test file ran\n"))
  }

  /// Perl's parser: `TYPE|DESCRIPTION` of each test, the keys and multi-line values of the YAML blocks, and errors.
  private static let parser = """
    use TAP::Parser;
    my $parser = TAP::Parser->new({exec => ["cat", $ARGV[0]]});
    while (my $token = $parser->next) {
      print join("|", $token->is_ok ? "ok" : "not ok", $token->description, $token->directive), "\\n" if $token->is_test;
      if ($token->is_yaml) { print "yaml ", join(",", sort keys %{$token->data}), "\\n" }
    }
    print "error: $_\\n" for $parser->parse_errors;
    print "exit ", $parser->has_problems ? "problems" : "none", "\\n";
    """

  @Test(
    "is read by Perl's TAP::Parser without errors",
    .enabled(if: ToolRun.find("perl") != nil, "perl is not installed")
  )
  func perl() throws {
    let scratch = try Scratch()
    var failure = Failure(
      kind: .error,
      message: SampleRun.weird + "\n  a: b\n\n- x",
      location: SampleRun.at(1)
    )
    failure.traceback = [
      "tests/a.lua:30: in function 'check'", "- \"x\": y", "tests/a.lua:41: in main chunk",
    ]
    failure.trace = ["exec(\"id\") = 0", "", "  x"]
    failure.console = ["[    1.0] key: value", "...", "---", "~"]
    let weird = FileResult(
      file: "a # SKIP \\ b.lua",
      outcome: .failed(failure),
      subTests: [SampleRun.test(["x\nok 2 - y"], .failed(failure), output: "one\n\n two\n")],
      duration: 1
    )
    let events = Array(SampleRun.events.dropLast()) + [TimedEvent(time: 9, event: .fileEnded(weird))]
    let path = "\(scratch.path)/run.tap"
    try Files.write(Array(TAPDocument(of: RunRecord(events)).text.utf8), to: path)
    try Files.write(Array(Self.parser.utf8), to: "\(scratch.path)/read.pl")
    let run = try ToolRun.run("perl", ["\(scratch.path)/read.pl", path], allowFailure: true)
    let lines = run.outputText.split(separator: "\n")
    #expect(
      lines.filter { $0.contains("|") } == [
        "ok|- boot.lua|", "not ok|- token.lua|", "ok|- net/tcp.lua|", "not ok|- weird.lua|",
        "ok|- old.lua|SKIP", "not ok|- a \\# SKIP \\\\ b.lua|",
      ]
    )
    #expect(lines.contains("yaml at,console,duration_ms,kind,message,severity,trace,traceback"))
    // The run has no end: the report bails out, and that is the only problem.
    #expect(lines.filter { $0.hasPrefix("error: ") } == [])
  }

  @Test("is accepted by prove", .enabled(if: ToolRun.find("prove") != nil, "prove is not installed"))
  func prove() throws {
    let scratch = try Scratch()
    func run(_ results: [FileResult]) throws -> ToolRun {
      let events =
        results.map { TimedEvent(time: 1, event: .fileEnded($0)) }
        + [TimedEvent(time: 2, event: .runEnded(RunSummary(counting: results)))]
      let path = "\(scratch.path)/run.tap"
      try Files.write(Array(TAPDocument(of: RunRecord(events)).text.utf8), to: path)
      return try ToolRun.run("prove", ["-e", "cat", path], allowFailure: true)
    }
    let passed = try run([SampleRun.boot, SampleRun.old, SampleRun.helper])
    #expect(passed.status.isSuccess && passed.outputText.contains("Result: PASS"), "\(passed.outputText)")
    let failed = try run([SampleRun.boot, SampleRun.token, SampleRun.weirdFile])
    #expect(failed.outputText.contains("Failed tests:  2-3"), "\(failed.outputText)")
    #expect(!failed.outputText.contains("Parse errors"), "\(failed.outputText)")
  }

  /// Plans that differ from the points at their depth.
  private static func faults(_ text: String) -> [String] {
    var planned: [Int: Int] = [:]
    var seen: [Int: Int] = [:]
    var faults: [String] = []
    var isInBlock = false
    func close(_ depth: Int) {
      if planned[depth] != seen[depth, default: 0] {
        faults.append("depth \(depth): \(seen[depth, default: 0]) points")
      }
      planned[depth] = nil
      seen[depth] = nil
    }
    for line in text.split(separator: "\n") {
      let depth = line.prefix { $0 == " " }.count
      let rest = line.dropFirst(depth)
      if rest == "---" { isInBlock = true }
      if rest == "...", isInBlock { isInBlock = false; continue }
      if isInBlock { continue }
      if rest.hasPrefix("1..") { planned[depth] = Int(rest.dropFirst(3)) }
      if rest.hasPrefix("ok ") || rest.hasPrefix("not ok ") {
        if planned[depth + 4] != nil { close(depth + 4) }
        seen[depth, default: 0] += 1
        let number = rest.split(separator: " ").first { Int($0) != nil }
        if number.flatMap({ Int($0) }) != seen[depth] { faults.append("number of \(rest)") }
      }
    }
    close(0)
    return faults
  }
}
