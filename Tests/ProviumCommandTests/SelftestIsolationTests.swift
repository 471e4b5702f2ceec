import ProviumSystem
import Testing

@Suite(
  "Programs that spoil their guest",
  .enabled(if: noMachines == nil, Comment(rawValue: noMachines ?? "")),
  .serialized
)
struct SelftestIsolationTests {
  /// An install tree: a program that leaves a file behind, one that hangs and leaves a process behind, one that crashes the kernel,
  /// and their neighbour, which needs a guest without any of that.
  private static let programs = [
    "leak.sh": "echo 1..1; echo leaked > /dev/shm/left; echo 'ok 1 leak'",
    "hang.sh": "setsid sleep 1000 & echo $! > /tmp/busy; echo 1..1; sleep 1000",
    "crash.sh": "echo 1..1; echo c > /proc/sysrq-trigger; sleep 1000",
    "neighbour.sh":
      "echo 1..2; [ ! -e /dev/shm/left ] && echo 'ok 1 clean' || echo 'not ok 1 clean'; "
      + "kill -0 $(cat /tmp/busy 2>/dev/null) 2>/dev/null && echo 'not ok 2 idle' || echo 'ok 2 idle'",
  ]
  private static let order = ["leak.sh", "hang.sh", "neighbour.sh", "crash.sh"]
  /// Loads a module that the guest's own userland does not have, as the kernel's programs do.
  private static let module =
    "M=/sbin/modprobe; echo 1..4; t() { echo \"ok $1 $2\"; }; "
    + "$M -q -n sch_fq && t 1 found; $M -q -n nosuch || t 2 none; grep -q sch_fq /proc/modules || t 3 fresh; "
    + "$M -q sch_fq && grep -q sch_fq /proc/modules && t 4 loaded"

  private func project(_ scripts: [String: String] = [:]) throws -> Project {
    var files = Dictionary(
      uniqueKeysWithValues: Self.programs.map { ("tree/bad/\($0)", "#!/bin/sh\n\($1)\n") }
    )
    files["tree/kselftest-list.txt"] = Self.order.map { "bad:\($0)\n" }.joined() + "mods:module.sh\n"
    files["tree/mods/module.sh"] = "#!/bin/sh\n\(Self.module)\n"
    files["tree/mods/config"] = "CONFIG_NET_SCH_FQ=m\n"
    let project = try Project(withCache: files.merging(scripts) { $1 })
    try project.shell("chmod 755 tree/bad/* tree/mods/*.sh")
    return project
  }

  @Test("fail alone with provium ksft: their neighbour passes") func isolated() throws {
    let project = try project()
    let command = try Command(
      arguments: [
        "ksft", "--install", "tree", "--program-timeout", "1s", "-p", "2", "--json", "events.json",
        "--keep-failed",
      ],
      in: project.path,
      seconds: 300
    )
    #expect(command.exitCode == 1, "\(command.text)")
    // The VMs of the program that hung and of the one that crashed its kernel.
    let list = try Command("open", "--list", in: project.path)
    #expect(
      list.output.split(separator: "\n").count == 2 && list.output.contains("hang.sh")
        && list.output.contains("crash.sh"),
      "\(list.text)"
    )
    #expect(command.output.split(separator: "\n").count { $0.contains("kept: vm") } == 2, "\(command.text)")
    #expect(
      try EventFile.outcomes(project) == [
        "crash.sh: failed", "hang.sh: failed", "leak.sh / leak: passed", "leak.sh: passed",
        "module.sh / found: passed", "module.sh / fresh: passed", "module.sh / loaded: passed",
        "module.sh / none: passed", "module.sh: passed",
        "neighbour.sh / clean: passed", "neighbour.sh / idle: passed", "neighbour.sh: passed",
      ],
      "\(command.text)"
    )
    #expect(command.text.contains("sysrq triggered crash"))
    #expect(command.text.contains("reached its time limit of 10.0s"))
  }

  /// The loop of the kernel's runner: each program in the same guest, with timeout(1), and the results in one log.
  @Test("spoil their neighbour where one guest runs all of them, and a crash ends the run") func shared()
    throws
  {
    let loop = "for p in leak hang neighbour crash neighbour; do timeout 1 sh /tmp/$p.sh; done"
    let files = Self.programs.map { "vm:write_file(\"/tmp/\($0)\", [=[\($1)]=])" }
    let project = try project([
      "tests/a.lua": """
      local vm = provium.create():boot{ memory = "128M" }
      \(files.joined(separator: "\n"))
      test("all", function() vm:ktap([[\(loop)]], { timeout = "100s" }) end)
      """
    ])
    let command = try Command(
      arguments: ["test", "--json", "events.json"],
      in: project.path,
      seconds: 300
    )
    #expect(command.exitCode == 1, "\(command.text)")
    #expect(
      try EventFile.outcomes(project) == [
        "all / clean: failed", "all / idle: failed", "all / leak: passed", "all: failed",
      ],
      "\(command.text)"
    )
  }
}
