import Foundation
import ProviumSystem
import Testing

@Suite(
  "Results that a program in the guest prints",
  .enabled(if: noMachines == nil, Comment(rawValue: noMachines ?? "")),
  .serialized
)
struct ProgramResultTests {
  /// A sub-test: its name, its outcome, and the failure's kind and message or the reason.
  private struct Found {
    let name: String
    let outcome: String
    let kind: String
    let text: String
  }

  private func run(_ script: String) throws -> [Found] {
    let project = try Project(withCache: [
      "tests/a.lua": "local vm = provium.create():boot{ memory = \"128M\" }\n" + script
    ])
    let command = try Command(
      "test",
      "-p",
      "1",
      "--json",
      "events.json",
      in: project.path,
      seconds: 120
    )
    let events = try Files.readText("\(project.path)/events.json").split(separator: "\n").map { line in
      try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }
    let ended = try #require(events.first { $0["event"] as? String == "file_ended" }, "\(command.text)")
    let tests = try #require(ended["tests"] as? [[String: Any]])
    return tests.map { test in
      let failure = test["failure"] as? [String: Any]
      return Found(
        name: (test["path"] as? [String] ?? []).joined(separator: " / "),
        outcome: test["outcome"] as? String ?? "",
        kind: failure?["kind"] as? String ?? "",
        text: failure?["message"] as? String ?? test["reason"] as? String ?? ""
      )
    }
  }

  @Test("are sub-tests of the running test, and its failure names those that failed") func failures() throws {
    let found = try run(
      #"test("p", function() vm:ktap("printf '1..3\\nok 1 a\\n# a.c:12: expected 3\\nnot ok 2 b\\nok 3 c\\n'; exit 1") end)"#
    )
    #expect(found.map(\.name) == ["p / a", "p / b", "p / c", "p"])
    #expect(found.map(\.outcome) == ["passed", "failed", "passed", "failed"])
    #expect(found[1].kind == "assertion")
    #expect(found[1].text == "a.c:12: expected 3")
    #expect(found[3].kind == "inner")
    #expect(found[3].text == "inner tests failed: b")
  }

  @Test("do not hide how the program ended")
  func disagreements() throws {
    let found = try run(
      #"""
      test("failed and exit 0", function() vm:ktap("echo 1..1; echo 'not ok 1 a'") end)
      test("passed and exit 1", function() vm:ktap("echo 1..1; echo 'ok 1 a'; exit 1") end)
      test("fewer than planned", function() vm:ktap("echo 1..3; echo 'ok 1 a'") end)
      test("no results", function() vm:ktap("echo TAP version 13; echo 1..2") end)
      test("bail out", function() vm:ktap("echo 1..2; echo 'ok 1 a'; echo 'Bail out! no memory'") end)
      test("killed", function() vm:ktap("echo 1..1; echo 'ok 1 a'; kill -SEGV $$") end)
      test("time", function() vm:ktap("echo 1..2; echo 'ok 1 a'; sleep 100", { timeout = "1s" }) end)
      test("skipped", function() vm:ktap("echo '1..0 # SKIP no device'; exit 4") end)
      test("skipped without a word", function() vm:ktap("exit 4") end)
      test("silent failure", function() vm:ktap("exit 2") end)
      """#
    )
    let outer = found.filter { !$0.name.contains("/") }
    #expect(outer.map(\.outcome) == Array(repeating: "failed", count: 7) + ["passed", "passed", "failed"])
    #expect(outer[0].text.contains("1 of 1 results failed, though the program exited with 0"))
    #expect(outer[1].text.contains("exit status 1"))
    #expect(outer[2].text.contains("3 results planned, 1 read, though the program exited with 0"))
    #expect(outer[3].kind == "inner")
    #expect(outer[4].text.contains("the program bailed out: no memory"))
    #expect(outer[5].text.contains("killed by signal 11"))
    #expect(outer[6].kind == "timeout")
    let inner = found.filter { $0.name.contains("/") }
    #expect(
      inner.contains { $0.name.hasPrefix("no results / ") && $0.text.contains("2 results planned, 0 read") }
    )
    #expect(
      inner.contains { $0.name.hasPrefix("skipped / ") && $0.outcome == "skipped" && $0.text == "no device" }
    )
    #expect(inner.contains { $0.name == "skipped without a word / exit 4" && $0.outcome == "skipped" })
    #expect(inner.contains { $0.name == "silent failure / exit 2" && $0.text == "exit status 2" })
  }

  @Test("keep those from before a panic, and the panic is the failure") func panic() throws {
    let found = try run(
      #"test("p", function() vm:ktap("echo 1..2; echo 'ok 1 a'; sleep 0.3; echo c > /proc/sysrq-trigger; sleep 100") end)"#
    )
    #expect(found.map(\.name) == ["p / a", "p"])
    #expect(found[0].outcome == "passed")
    #expect(found[1].kind == "splat")
  }

  @Test("without end are cut off, and the file goes on") func flood() throws {
    let found = try run(
      #"""
      test("flood", function() vm:ktap("i=0; while true; do i=$((i+1)); echo \"ok $i - t\"; done", { timeout = "100s" }) end)
      test("after", function() vm:exec("true") end)
      """#
    )
    let flood = try #require(found.first { $0.name == "flood" })
    #expect(flood.text.contains("printed more than 50000 results"))
    #expect(found.count == 50_002)
    #expect(found.last?.outcome == "passed")
  }
}
