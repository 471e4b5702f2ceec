import Foundation
import ProviumSystem
import Testing

/// Trees of programs in the formats of LTP and fstests.
@Suite(
  "Suites with a format of their own",
  .enabled(if: noMachines == nil, Comment(rawValue: noMachines ?? "")),
  .serialized
)
struct ForeignSuiteTests {
  private static let ltp = [
    "ltp/runtest/own":
      "# comment\ngood01 good.sh 2\nbad01 bad.sh\nconf01 conf.sh\nwarn01 warn.sh \"a b\"\nlost01 nosuch -i 5\n",
    "ltp/testcases/bin/good.sh":
      "[ $LTPROOT = /opt/ltp ] && touch $TMPDIR/x || exit 2; for i in $(seq $1); do echo \"g.c:1: TPASS: call $i\" >&2; done",
    "ltp/testcases/bin/bad.sh": "echo 'b.c:1: TPASS: one'; echo 'b.c:9: TFAIL: two: EINVAL (22)'; exit 1",
    "ltp/testcases/bin/conf.sh":
      "echo 'c.c:1: TCONF: needs CONFIG_X'; echo Summary:; echo 'skipped  1'; exit 32",
    "ltp/testcases/bin/warn.sh": "good.sh 1; echo \"w.c:1: TWARN: $# left\"; exit 4",
  ]

  @Test("such as LTP run each test in a VM, with its results as sub-tests") func linuxTestProject() throws {
    let project = try Project(withCache: Self.ltp.mapValues { $0.hasPrefix("#") ? $0 : "#!/bin/sh\n\($0)\n" })
    try project.shell("chmod 755 ltp/testcases/bin/*")
    let command = try Command(
      arguments: ["ltp", "--install", "ltp", "-p", "2", "--json", "events.json", "own"],
      in: project.path,
      seconds: 300
    )
    #expect(command.exitCode == 1, "\(command.text)")
    #expect(
      try EventFile.outcomes(project) == [
        "bad01 / one: passed", "bad01 / two: EINVAL (22): failed", "bad01: failed",
        "conf01 / needs CONFIG_X: skipped", "conf01: skipped", "good01 / call 1: passed",
        "good01 / call 2: passed", "good01: passed", "lost01: failed", "warn01 / 1 left: failed",
        "warn01 / call 1: passed", "warn01: failed",
      ],
      "\(command.text)"
    )
    #expect(command.text.contains("exit status 127: sh: nosuch: not found"))
    #expect(command.text.contains("conf01 ... skipped: needs CONFIG_X"))
  }

  /// A check that answers as that of fstests does.
  private static let check = #"""
    #!/bin/sh
    . "$HOST_OPTIONS" || exit 1
    mkdir -p $RESULT_BASE/generic; touch tests/generic/written || exit 1
    mount $TEST_DEV $TEST_DIR && [ $MKFS_OPTIONS ] && [ $(blockdev --getsize64 $SCRATCH_DEV) = 67108864 ] || exit 1
    ran() { echo "Ran: $1" | tee -a $RESULT_BASE/check.log; }
    case $1 in
    */001) [ ! -e $TEST_DIR/left ] || exit 1; touch $TEST_DIR/left; echo "$1  1s"; ran $1 ;;
    */002) echo "$1 - output mismatch (see $1.out.bad)"; echo "ok 1 text"; echo inside > $RESULT_BASE/$1.full; ran $1; exit 1 ;;
    */003) echo "needs a log device" > $RESULT_BASE/$1.notrun; echo "$1 [not run]"; ran $1 ;;
    */004) echo "$1 - unknown test, ignored" ;;
    */005) [ ! -e $TEST_DIR/left ] || exit 1; ran $1 ;;
    esac
    """#

  private static let hostTools = ["xfs_io", "bc", "perl", "mkfs.ext4"].allSatisfy { tool in
    ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].contains { Files.exists("\($0)/\(tool)") }
  }

  @Test(
    "such as fstests run each test in a VM with two disks, and take the verdict of its check",
    .enabled(if: hostTools, "needs xfs_io, bc, perl and mkfs.ext4 on this host")
  )
  func fileSystems() throws {
    let project = try Project(withCache: [
      "xf/check": Self.check,
      "xf/tests/generic/group.list": "001 auto\n002 auto\n003 auto\n004 auto\n005 auto\n",
    ])
    try project.shell(
      #"""
      chmod 755 xf/check; printf '[profile.default]\nroot = "/"\n[suite.fs]\nkind = "fstests"\npath = "xf"\ndisk_size = "64M"\nvariables = { MKFS_OPTIONS = "-q" }\n' >> provium.toml
      """#
    )
    let command = try Command(
      arguments: ["test", "fs", "-p", "2", "--json", "events.json"],
      in: project.path,
      seconds: 300
    )
    #expect(command.exitCode == 1, "\(command.text)")
    #expect(
      try EventFile.outcomes(project) == [
        "001: passed", "002: failed", "003: skipped", "004: failed", "005: passed",
      ],
      "\(command.text)"
    )
    #expect(command.text.contains("generic/002 - output mismatch (see generic/002.out.bad)"))
    #expect(command.text.contains("inside"))
    #expect(command.text.contains("skipped: needs a log device"))
    #expect(command.text.contains("check ran no test"))
  }

  @Test("such as fstests fail with the names of the tools that the guest lacks") func tools() throws {
    let project = try Project(withCache: ["xf/check": "", "xf/tests/generic/group.list": "001 auto\n"])
    let command = try Command(arguments: ["fstests", "--install", "xf"], in: project.path, seconds: 300)
    #expect(command.exitCode == 2, "\(command.text)")
    #expect(command.text.contains("the guest lacks bash mkfs perl"), "\(command.text)")
    #expect(command.text.contains("mkfs.ext4, which fstests needs: boot a profile with them"))
  }
}
