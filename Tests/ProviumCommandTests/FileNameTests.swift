import Foundation
import ProviumSystem
import Testing

/// File names are bytes: not every name is UTF-8, and names that Unicode calls equivalent belong to different files.
@Suite("A file name") struct FileNameTests {
  private static let composed = PathText.string(of: "\u{e9}.lua".utf8)
  private static let decomposed = PathText.string(of: "e\u{301}.lua".utf8)
  private static let notText = PathText.string(of: Array("bad".utf8) + [0xFF] + Array(".lua".utf8))

  private func suite() throws -> QuickSuite {
    let suite = try QuickSuite([
      Self.composed: "test('composed', function() end)",
      Self.decomposed: "test('decomposed', function() error('fails') end)",
      Self.notText: "test('bytes', function() end)",
    ])
    return suite
  }

  private func names(_ events: [[String: Any]]) -> Set<[UInt8]> {
    Set(
      events.filter { $0["event"] as? String == "file_ended" }.map {
        Array(($0["file"] as? String ?? "").utf8)
      }
    )
  }

  private static let inEvents: Set<[UInt8]> = [
    Array("\u{e9}.lua".utf8), Array("e\u{301}.lua".utf8), Array("bad\u{10FFFF}.lua".utf8),
  ]

  @Test("is kept byte for byte in every report") func reports() throws {
    let suite = try suite()
    let run = try suite.test("--json", "e.json", "--junit", "j.xml", "--tap", "t.tap", "--html", "p.html")
    #expect(run.status == .exited(1))
    #expect(run.output.hasSuffix("FAIL: 2 files passed, 1 failed\n"), "\(run.output)")
    #expect(names(try suite.events("e.json")) == Self.inEvents)
    for report in ["j.xml", "t.tap", "p.html"] {
      let text = try Files.readText("\(suite.project.path)/\(report)")
      for name in ["\u{e9}.lua", "e\\xcc\\x81.lua", "bad\\xff.lua"] {
        // TAP escapes backslashes.
        #expect(
          text.contains(report == "t.tap" ? name.replacing("\\", with: "\\\\") : name),
          "\(name) is not in \(report)"
        )
      }
    }
  }

  @Test("is kept by a merge, and by --durations") func merge() throws {
    let suite = try suite()
    for index in 1...3 { _ = try suite.test("--shard", "\(index)/3", "--json", "\(index).json") }
    let merged = try suite.run(["report", "merge", "1.json", "2.json", "3.json", "--json", "all.json"])
    #expect(merged.status == .exited(1), "\(merged.text)")
    #expect(merged.errors == "", "\(merged.text)")
    #expect(names(try suite.events("all.json")) == Self.inEvents)
    #expect(try suite.test("--shard", "1/1", "--durations", "all.json").output.contains("balanced"))
  }

  @Test(
    "can be given as an argument",
    arguments: [
      ("\\xc3\\xa9", "ok: 1 file passed"), ("e\\xcc\\x81", "FAIL: 0 files passed, 1 failed"),
      ("bad\\xff", "ok: 1 file passed"),
    ]
  )
  func argument(name: String, ending: String) throws {
    let suite = try suite()
    let script =
      "PROVIUM_QEMU=/no/qemu PROVIUM_ACCEL=tcg \"$1\" test tests/$'\(name)'.lua --junit $'\(name)'.xml"
    let run = try ToolRun.run(
      "bash",
      ["-c", script, "bash", Command.binary],
      directory: suite.project.path,
      allowFailure: true
    )
    #expect(run.outputText.hasSuffix("\(ending)\n"), "\(run.outputText)\(run.errorText)")
    #expect(try suite.project.shell("test -s $'\(name)'.xml && echo there") == "there\n")
  }

  @Test("is remembered in the history") func history() throws {
    let suite = try suite()
    try suite.test()
    let again = try suite.test("--rerun-failed")
    #expect(again.output.hasSuffix("FAIL: 0 files passed, 1 failed\n"), "\(again.output)")
    #expect(again.output.contains("e\\xcc\\x81.lua"))
    let past = try suite.run(["history", "bad"])
    #expect(past.output.contains("tests/bad\\xff.lua / bytes"), "\(past.text)")
  }

  @Test("is listed") func listed() throws {
    let suite = try suite()
    #expect(try suite.list() == ["bad\\xff.lua", "e\\xcc\\x81.lua", "\u{e9}.lua"])
    let json = try suite.run(["list", "--json"]).output.split(separator: "\n").map { line in
      try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])["file"]
        as? String ?? ""
    }
    #expect(Set(json.map { Array($0.utf8) }) == Self.inEvents)
  }
}
