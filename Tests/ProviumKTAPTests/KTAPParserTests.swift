import Testing

@testable import ProviumKTAP

@Suite("KTAP parser") struct KTAPParserTests {
  @Test("a TAP 13 document with a plan gives one result for each line")
  func plainDocument() {
    let (results, summary) = parse("TAP version 13\n1..3\nok 1 a\nnot ok 2 - b\nok 3 c # SKIP no device\n")
    #expect(results.map(\.path) == [["a"], ["b"], ["c"]])
    #expect(results.map(\.outcome) == [.passed, .failed, .skipped(reason: "no device")])
    #expect(summary.problems.isEmpty)
    #expect((summary.results, summary.failures, summary.skips) == (3, 1, 1))
  }

  @Test("a plan may follow its results")
  func planLast() {
    #expect(parse("TAP version 14\nok 1 a\nok 2 b\n1..2\n").summary.problems.isEmpty)
  }

  @Test("fewer results than planned are a problem")
  func fewerResults() {
    #expect(parse("1..3\nok 1 a\n").summary.problems == ["3 results planned, 1 read"])
  }

  @Test("more results than planned are a problem")
  func moreResults() {
    #expect(parse("1..1\nok 1 a\nok 2 b\n").summary.problems == ["1 result planned, 2 read"])
  }

  @Test("KUnit's indented results get their parent's name from the line after them")
  func nestingByIndentation() {
    let text = """
      KTAP version 1
      1..1
          KTAP version 1
          # Subtest: list
          1..2
          ok 1 init
          not ok 2 add
      not ok 1 list
      """
    let (results, summary) = parse(text)
    #expect(results.map(\.path) == [["list", "init"], ["list", "add"], ["list"]])
    #expect(results.map(\.isFailure) == [false, true, true])
    #expect(summary.problems.isEmpty)
  }

  @Test("kselftest's results after '# ' prefixes nest to any depth")
  func nestingByPrefix() {
    let text = """
      TAP version 13
      1..1
      # selftests: net: a
      # TAP version 13
      # 1..1
      # # TAP version 13
      # # 1..2
      # # ok 1 x
      # # ok 2 y
      # ok 1 inner
      ok 1 selftests: net: a
      """
    let (results, summary) = parse(text)
    #expect(
      results.map { $0.path.joined(separator: "/") } == [
        "selftests: net: a/inner/x", "selftests: net: a/inner/y", "selftests: net: a/inner",
        "selftests: net: a",
      ]
    )
    #expect(summary.problems.isEmpty)
  }

  @Test("a name that repeats gets an ordinal")
  func repeatedNames() {
    let (results, _) = parse("1..3\nok 1 a\nok 2 a\nok 3 a\n")
    #expect(results.map(\.path) == [["a"], ["a (2)"], ["a (3)"]])
  }

  @Test("lines that a forked child prints again count once")
  func forkedLines() {
    let (results, summary) = parse("ok 1 a\nok 1 a\nnot ok 2 b\nok 1 a\nnot ok 2 b\nok 3 c\n")
    #expect(results.map(\.path) == [["a"], ["b"], ["c"]])
    #expect(summary.duplicates == 3)
  }

  @Test("several documents one after the other are all read")
  func severalDocuments() {
    let document = "TAP version 13\n1..1\nok 1 futex\n"
    let (results, summary) = parse(document + document)
    #expect(results.map(\.path) == [["futex"], ["futex (2)"]])
    #expect(summary.problems.isEmpty)
  }

  @Test(
    "directives give their outcome whatever their case",
    arguments: [
      ("ok 1 a # skip later", KTAPResult.Outcome.skipped(reason: "later")),
      ("ok 1 a # SKIP", .skipped(reason: "")),
      ("not ok 1 a # TODO unfinished", .todo(reason: "unfinished")),
      ("ok 1 a # XFAIL known", .todo(reason: "known")),
      ("not ok 1 a # TIMEOUT 45 seconds", .timedOut(reason: "45 seconds")), ("not ok 1 a # exit=1", .failed),
      ("ok 1 a #SKIP near", .skipped(reason: "near")), ("ok 1 a # SKIP: colon", .skipped(reason: "colon")),
      ("ok 1 a # skipped because", .passed), ("not ok 1 a", .failed),
    ] as [(String, KTAPResult.Outcome)]
  )
  func directives(line: String, outcome: KTAPResult.Outcome) {
    let (results, _) = parse("1..1\n\(line)\n")
    #expect(results == [KTAPResult(path: ["a"], outcome: outcome)])
  }

  @Test("a result without a name is named by its skip reason, else by its number")
  func namelessResults() {
    let (results, _) = parse("1..2\nok 1 # SKIP CLOCK_TAI\nok 2\n")
    #expect(results.map(\.path) == [["CLOCK_TAI"], ["test 2"]])
  }

  @Test("an escaped # belongs to the name")
  func escapedHash() {
    #expect(parse("1..1\nok 1 a \\# b\n").results.map(\.path) == [["a # b"]])
    #expect(parse("1..1\nok 1 issue #12\n").results.map(\.path) == [["issue #12"]])
  }

  @Test("text before a result is its diagnostics")
  func diagnostics() {
    let (results, summary) = parse("1..2\nhello\n# world\nok 1 a\nok 2 b\nbye\n")
    #expect(results.map(\.diagnostics) == ["hello\n# world", ""])
    #expect(summary.trailingText == "bye")
  }

  @Test("terminal colours, carriage returns and kernel time stamps are not part of a name")
  func decorations() {
    let text =
      "1..3\r\n\u{1B}[32mok 1 green\u{1B}[0m\r\n<6>[   12.345678] ok 2 logged\n[    1.000001][    T1] ok 3 caller\n"
    #expect(parse(text).results.map(\.path) == [["green"], ["logged"], ["caller"]])
  }

  @Test("a kernel message inside a result line does not become part of the name")
  func tornLine() {
    let (results, summary) = parse("1..1\nok 1 a[   12.345678] random: crng init done\n")
    #expect(results.map(\.path) == [["a"]])
    #expect(summary.trailingText == "[   12.345678] random: crng init done")
  }

  @Test("prose that begins with ok is no result")
  func prose() {
    let (results, summary) = parse("ok let us begin\nnot ok here\nok\n")
    #expect(results.isEmpty)
    #expect(!summary.isKTAP)
  }

  @Test("a result without a number counts inside a document")
  func unnumbered() {
    #expect(parse("1..2\nok - a\nnot ok b\n").results.map(\.path) == [["a"], ["b"]])
  }

  @Test("a YAML block may hold lines that look like results")
  func yamlBlock() {
    let (results, _) = parse("TAP version 13\n1..2\nok 1 a\n  ---\n  ok 7 no result\n  ...\nok 2 b\n")
    #expect(results.map(\.path) == [["a"], ["b"]])
  }

  @Test("a bail-out keeps its reason")
  func bailOut() {
    #expect(parse("1..2\nok 1 a\nBail out! no memory\n").summary.bailOut == "no memory")
  }

  @Test("a plan of zero tests keeps the reason of its skip")
  func skippedEntirely() {
    #expect(parse("1..0 # SKIP no driver\n").summary.skippedEntirely == "no driver")
  }

  @Test("a group that ends without its own result is reported with the problem")
  func orphans() {
    let (results, summary) = parse("KTAP version 1\n1..1\n    # Subtest: s\n    1..2\n    ok 1 a\n")
    #expect(results.map(\.path) == [["s", "a"]])
    #expect(
      summary.problems == [
        "1 result planned, 0 read", "s: 2 results planned, 1 read", "the result of the group 's' is missing",
      ]
    )
  }

  @Test("results of two groups before one result have names of their own") func sameNames() {
    let text =
      "1..1\n    # Subtest: x\n    ok 1 a\n        ok 1 q\n      # Subtest: y\n      ok 1 a\nok 1 b\n"
    let (results, _) = parse(text)
    #expect(Set(results.map(\.path)).count == results.count)
    let (ordinals, _) = parse("1..3\nok 1 a (2)\nok 2 a\nok 3 a\n")
    #expect(ordinals.map(\.path) == [["a (2)"], ["a"], ["a (3)"]])
  }

  @Test("a process number before a name is no part of it, since it is another one in each run")
  func processNumbers() {
    let (results, _) = parse("1..3\nok 1 [120] Result (0)\nok 2 [7]\nok 3 [a] b\n")
    #expect(results.map(\.path) == [["Result (0)"], ["[7]"], ["[a] b"]])
  }

  @Test("a group without a name inside a group that ends without its result gets one")
  func namelessOrphans() {
    let (results, _) = parse("1..1\n    # Subtest: outer\n        # Subtest:\n        ok 1 a\nok 1 b\n")
    #expect(results.allSatisfy { !$0.path.contains("") })
    #expect(results.contains { $0.path.suffix(2) == ["unnamed group", "a"] })
  }

  @Test("invalid UTF-8 does not lose a result")
  func invalidUTF8() {
    #expect(parse(Array("1..1\nok 1 ".utf8) + [0xFF, 0x0A]).results.map(\.path) == [["\u{FFFD}"]])
  }

  @Test("bytes that come one by one give the same results", arguments: [1, 2, 7, 4096])
  func pieces(size: Int) throws {
    let bytes = try Recorded.bytes("kunit-dmesg")
    let whole = parse(bytes)
    let pieces = parse(bytes, size: size)
    #expect(whole.results == pieces.results)
    #expect(whole.summary == pieces.summary)
  }

  @Test("a line without end and endless text leave memory bounded")
  func boundedMemory() {
    var parser = KTAPParser()
    let noise = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
    noise.withUnsafeBytes { for _ in 0..<64 { parser.read($0) { _ in Issue.record("no result") } } }
    let lines = [UInt8](Array(repeating: "noise without meaning\n", count: 10_000).joined().utf8)
    lines.withUnsafeBytes { for _ in 0..<50 { parser.read($0) { _ in Issue.record("no result") } } }
    let summary = parser.finish { _ in Issue.record("no result") }
    #expect(summary.trailingText.utf8.count <= KTAPParser.diagnosticLimit)
  }

  @Test("nesting deeper than any program's is read without growing for ever")
  func deepNesting() {
    let text = (0..<2000).map { String(repeating: " ", count: $0) + "ok 1 a\n" }.joined()
    #expect(parse(text).summary.results > 0)
  }
}

@Suite("Results of programs without KTAP") struct PlainResultTests {
  @Test(
    "are read from their markers",
    arguments: [
      ("[PASS] maps", "maps", KTAPResult.Outcome.passed),
      ("Check itimer real... [OK]", "Check itimer real", .passed),
      ("ptrace: [FAIL]", "ptrace", .failed), ("[SKIP]\thuge pages", "huge pages", .skipped(reason: "")),
      ("open01.c:42: TPASS: open worked", "open worked", .passed),
      ("open01.c:43: TFAIL: open failed", "open failed", .failed),
      ("tst.c:9: TCONF: no ext4", "no ext4", .skipped(reason: "no ext4")),
      ("abort01     1  TBROK  :  fork failed", "fork failed", .failed),
      ("open01.c:44: TWARN: cannot remove the file", "cannot remove the file", .failed),
    ] as [(String, String, KTAPResult.Outcome)]
  )
  func markers(line: String, name: String, outcome: KTAPResult.Outcome) {
    // A failed line is all that there is to say about the failure.
    let diagnostics = outcome == .failed ? line : ""
    #expect(
      parse(line + "\n").results == [KTAPResult(path: [name], outcome: outcome, diagnostics: diagnostics)]
    )
  }

  @Test("are ignored beside KTAP")
  func besideKTAP() {
    #expect(parse("[PASS] early\nTAP version 13\n1..1\nok 1 a\n").results.map(\.path) == [["a"]])
  }
}

@Suite("Verdict on a program") struct KTAPVerdictTests {
  @Test(
    "follows the exit status and names a disagreement with the output",
    arguments: [
      ("1..1\nok 1 a\n", 0, KTAPVerdict.passed),
      ("1..1\nnot ok 1 a\n", 0, .failed("1 of 1 results failed, though the program exited with 0")),
      ("1..2\nok 1 a\n", 0, .failed("2 results planned, 1 read, though the program exited with 0")),
      ("TAP version 13\n", 0, .failed("no results, though the program exited with 0")),
      ("1..0 # SKIP no driver\n", 0, .skipped(reason: "no driver")), ("", 0, .passed),
      ("no root\n", 4, .skipped(reason: "no root")),
      ("1..1\nnot ok 1 a\n", 4, .failed("exit status 4; 1 of 1 results failed")),
      ("1..1\nok 1 a\n", 1, .failed("exit status 1")),
      ("1..2\nok 1 a\n", 137, .failed("killed by signal 9; 2 results planned, 1 read")),
      ("", 124, .timedOut), ("Bail out! broken\n", 0, .failed("the program bailed out: broken")),
    ] as [(String, Int32, KTAPVerdict)]
  )
  func verdicts(text: String, status: Int32, verdict: KTAPVerdict) {
    #expect(KTAPVerdict(exitStatus: status, summary: parse(text).summary) == verdict)
  }
}

func parse(_ text: String) -> (results: [KTAPResult], summary: KTAPSummary) { parse(Array(text.utf8)) }

/// Parses in pieces of `size` bytes.
func parse(_ bytes: [UInt8], size: Int = .max) -> (results: [KTAPResult], summary: KTAPSummary) {
  var parser = KTAPParser()
  var results: [KTAPResult] = []
  var rest = bytes[...]
  while !rest.isEmpty {
    rest.prefix(size).withUnsafeBytes { parser.read($0) { results.append($0) } }
    rest = rest.dropFirst(size)
  }
  let summary = parser.finish { results.append($0) }
  return (results, summary)
}
