import Testing

@testable import ProviumRunner

@Suite("The results of KUnit in a kernel's log") struct KUnitLogTests {
  private static let log = """
    [    0.100000] Linux version 6.1.192
    [    1.000000] TAP version 14
    [    1.000001] 1..2
    [    1.000002]     # Subtest: list
    [    1.000003]     1..2
    [    1.000004]     ok 1 - add
    [    1.000005]     # move: EXPECTATION FAILED at lib/list-test.c:12
    [    1.000006]     not ok 2 - move
    [    1.000007] not ok 1 - list
    [    1.000008]     # Subtest: kasan
    [    1.000009]     1..1
    [    1.000010] BUG: KASAN: slab-out-of-bounds in kmalloc_oob_right
    [    1.000011]     ok 1 - kmalloc_oob_right
    [    1.000012] ok 2 - kasan
    [    1.500000] WARNING: CPU: 0 PID: 1 at kernel/late.c:1
    """

  @Test("are the cases of each suite, then the suite") func results() {
    let log = KUnitLog(Array(Self.log.utf8))
    #expect(
      log.results.map { $0.path.joined(separator: "/") } == [
        "list/add", "list/move", "list", "kasan/kmalloc_oob_right", "kasan",
      ]
    )
    #expect(log.results.map(\.isFailure) == [false, true, true, false, false])
    #expect(log.summary.problems.isEmpty)
  }

  @Test("tell in which suite a kernel report appeared") func reports() {
    let log = KUnitLog(Array(Self.log.utf8))
    #expect(log.suites(around: "BUG: KASAN: slab-out-of-bounds") == ["kasan"])
    #expect(log.suites(around: "WARNING: CPU: 0") == [])
    #expect(KUnitSuites.wantsReports("kasan"))
    #expect(KUnitSuites.wantsReports("kunit_fault"))
    #expect(!KUnitSuites.wantsReports("list") && !KUnitSuites.wantsReports("kunit_status"))
  }

  @Test("are read from a log with priorities, as syslog(2) has it") func priorities() {
    let lines = Self.log.split(separator: "\n").map { "<6>\($0)\n" }.joined()
    let log = KUnitLog(Array(lines.utf8))
    #expect(log.results == KUnitLog(Array(Self.log.utf8)).results)
    #expect(log.suites(around: "BUG: KASAN: slab-out-of-bounds") == ["kasan"])
    #expect(
      KUnitLog(Array("<6>[    1.0] list.add\n<6>[    1.0] time.x\n".utf8)).listedSuites == ["list", "time"]
    )
  }

  @Test("are none in a log without KTAP, whatever else it says") func noSuites() {
    let log = KUnitLog(Array("[    0.1] alternatives: patched [OK]\n[    0.2] ok, next\n".utf8))
    #expect(log.results.isEmpty)
    #expect(!log.summary.isKTAP)
  }

  @Test("of a list are the names of suites") func list() {
    let text =
      "[    1.0] TAP version 14\n[    1.0] 1..3\n[    1.0] list.add\n[    1.0] list.move\n[    1.0] time-test.x\n[    1.1] a sentence. Another.\n"
    #expect(KUnitLog(Array(text.utf8)).listedSuites == ["list", "time-test"])
  }

  @Test("of one suite are those between its announcement and its result") func section() throws {
    let log = KUnitLog(Array(Self.log.utf8))
    #expect(log.begunSuites == ["list", "kasan"])
    let list = try #require(log.section(of: "list"))
    #expect(list.results.map(\.path) == [["list", "add"], ["list", "move"], ["list"]])
    #expect(list.isComplete("list"))
    #expect(log.section(of: "time") == nil)
  }

  @Test("of a suite that ended the VM are those up to then, and not complete") func crash() throws {
    let lines =
      Self.log.split(separator: "\n").prefix(6).map(String.init) + ["[    1.0] BUG: unable to handle"]
    let list = try #require(KUnitLog(lines: lines).section(of: "list"))
    #expect(list.results.map(\.path) == [["list", "add"]])
    #expect(list.result(of: "list") == nil && !list.isComplete("list"))
  }

  @Test("are read from debugfs, but from the log where an old kernel cut the file short") func debugFile() {
    let whole =
      "KTAP version 1\n1..1\n    KTAP version 1\n    # Subtest: list\n    1..2\n    ok 1 add\n    not ok 2 move\n"
      + "# list: pass:1 fail:1 skip:0 total:2\nnot ok 1 list\n"
    var end = KUnitRun.End(log: KUnitLog(Array(Self.log.utf8)))
    end.file = KUnitLog(Array(whole.utf8))
    #expect(end.results(of: "list")?.results == end.file?.results)
    for cut in [whole.replacing("    not ok 2 move\n", with: ""), whole.replacing("list\n", with: "\n")] {
      end.file = KUnitLog(Array(cut.utf8))
      #expect(end.results(of: "list")?.results.count == 3)
      #expect(end.results(of: "list")?.result(of: "list")?.diagnostics.contains("pass:") == false)
    }
  }
}
