import ProviumEvents
import ProviumReports
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

  @Test("indents texts of several lines so that YAML keeps their own spaces") func yaml() {
    let failure = Failure(kind: .assertion, message: "  two spaces\n---\n...\nend")
    let result = FileResult(file: "a.lua", outcome: .failed(failure), subTests: [], duration: 1)
    let text = TAPDocument(of: RunRecord([TimedEvent(time: 1, event: .fileEnded(result))])).text
    #expect(text.contains("  message: |2-\n      two spaces\n    ---\n    ...\n    end\n"))
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
