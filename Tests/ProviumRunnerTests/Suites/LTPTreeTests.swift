import ProviumKTAP
import ProviumRuntime
import ProviumSystem
import Testing

@testable import ProviumRunner

@Suite("An installation of LTP") struct LTPTreeTests {
  private func tree(_ files: [String: String]) throws -> (ScratchTree, LTPTree) {
    let scratch = try ScratchTree(["testcases/bin/good": ""].merging(files) { $1 })
    return (scratch, try LTPTree(scratch.path))
  }

  @Test("lists the lines of its runtest files: name, and command with arguments") func list() throws {
    let (_, tree) = try tree([
      "runtest/mm": "# comment\nmmap01 mmap01 -i 5\n\n\tthp01\tthp -I \"a b\"\n",
      "runtest/Makefile": "all:\n",
      "runtest/fs": "mmap01 mmap01\nmmap01 other\n",
    ])
    #expect(tree.programs.map(\.key) == ["fs:mmap01", "mm:mmap01", "mm:thp01"])
    #expect(tree.programs.map(\.command) == ["mmap01", "mmap01 -i 5", "thp -I \"a b\""])
    let selected = try ProgramTree.ltp(tree).select(["mm", "fs:mmap*"], without: ["mm:thp*"])
    #expect(selected.map(\.key) == ["fs:mmap01", "mm:mmap01"])
  }

  @Test("has the file of a test's program only where its line begins with one") func files() throws {
    let (scratch, tree) = try tree(["runtest/a": "one good -x\ntwo VALUE=1 good\nthree ../../etc/passwd\n"])
    defer { withExtendedLifetime(scratch) {} }
    #expect(tree.programs.map(tree.path) == ["\(scratch.path)/testcases/bin/good", nil, nil])
  }

  @Test("is refused with the line of a test without a command") func badLine() throws {
    let error = #expect(throws: SuiteError.self) { try tree(["runtest/mm": "mmap01 mmap01\nlonely\n"]) }
    #expect(error.map { "\($0)" }?.contains("runtest/mm:2: a line must be NAME COMMAND") == true)
  }

  @Test("is not the source tree: the error says how to install it") func source() throws {
    let scratch = try ScratchTree(["include/tst_test.h": "", "runtest/mm": ""])
    let error = #expect(throws: SuiteError.self) { try LTPTree(scratch.path) }
    #expect(error.map { "\($0)" }?.contains("make install") == true)
    #expect(throws: SuiteError.self) { try LTPTree("/no/such/folder") }
  }

  @Test(
    "has exit statuses that are bits",
    arguments: [
      (0, "x.c:1: TPASS: a", KTAPVerdict.passed),
      (32, "x.c:1: TCONF: needs a device\nSummary:\nwarnings 0", .skipped(reason: "needs a device")),
      (0, "x.c:1: TPASS: a\nx.c:2: TCONF: b", .passed),
      (33, "x.c:1: TFAIL: a", .failed("exit status 33 (TFAIL, TCONF); 1 of 1 results failed")),
      (4, "x.c:1: TWARN: a", .failed("exit status 4 (TWARN); 1 of 1 results failed")),
      (2, "", .failed("exit status 2 (TBROK)")), (139, "", .failed("killed by signal 11")),
    ]
  )
  func verdicts(status: Int32, output: String, verdict: KTAPVerdict) {
    var parser = KTAPParser()
    Array(output.utf8).withUnsafeBytes { parser.read($0) { _ in } }
    let summary = parser.finish { _ in }
    #expect(KTAPVerdict(exitStatus: status, summary: summary, format: .ltp) == verdict)
  }
}

@Suite("A tree of fstests") struct FstestsTreeTests {
  private static let files = [
    "check": "",
    "tests/generic/group.list": "# QA\n\n001 auto quick rw\n002 auto # quick\n475-x shutdown\nMakefile x\n",
    "tests/ext4/group.list": "001 auto\n", "tests/xfs/group.list": "001 auto quick\n",
    "tests/perf/Makefile": "",
  ]

  private func keys(_ fileSystem: String, _ tests: [String] = [], _ groups: [String] = []) throws -> [String]
  {
    let scratch = try ScratchTree(Self.files)
    let tree = ProgramTree.fstests(try FstestsTree(scratch.path, fileSystem: fileSystem))
    return try tree.select(tests, groups: groups, without: ["ext4/9*"]).map(\.key)
  }

  @Test("selects by groups as check does, and by tests") func selection() throws {
    #expect(try keys("ext4") == ["ext4/001", "generic/001", "generic/002"])
    #expect(try keys("ext3") == ["ext4/001", "generic/001", "generic/002"])
    #expect(try keys("xfs", [], ["quick"]) == ["generic/001", "xfs/001"])
    #expect(try keys("ext4", [], ["xfs/quick"]) == ["xfs/001"])
    #expect(try keys("ext4", ["generic/475-x"], ["rw"]) == ["generic/001", "generic/475-x"])
    #expect(try keys("ext4", [], ["all"]).count == 4)
  }

  @Test("names the nearest group, or test, for one that it does not have") func unknown() throws {
    let group = #expect(throws: SuiteError.self) { try keys("ext4", [], ["quik"]) }
    #expect(group.map { "\($0)" }?.contains("did you mean 'quick'?") == true)
    #expect(throws: SuiteError.self) { try keys("ext4", ["generic/999"]) }
  }

  @Test("is refused where it is not built") func unbuilt() throws {
    let scratch = try ScratchTree(["check": "", "tests/generic/001": ""])
    let error = #expect(throws: SuiteError.self) { try FstestsTree(scratch.path, fileSystem: "ext4") }
    #expect(error.map { "\($0)" }?.contains("group.list; name another with --install DIR") == true)
  }
}
