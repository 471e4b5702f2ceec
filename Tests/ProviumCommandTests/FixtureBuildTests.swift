import Glibc
import ProviumSystem
import Testing

/// A fixture that counts its builds in the file `builds`, and a test that uses it.
private func countingProject(_ more: [String: String] = [:], setup: String = "") throws -> Project {
  try Project(
    withCache: [
      "tests/fixtures/small.lua": """
      local builds = io.open("builds", "a") builds:write("build\\n") builds:close()
      local vm = provium.create():boot{ memory = "128M" }
      vm:write_file("/tmp/whole", "whole")
      \(setup)
      """,
      "tests/a.lua": """
      local vm = provium.fixture("small")
      test("it is whole", function() assert_eq("whole", vm:read_file("/tmp/whole")) end)
      """,
    ].merging(more) { $1 },
    settings: "spares = 0"
  )
}

extension Project {
  fileprivate var builds: Int {
    ((try? Files.readText("\(path)/builds")) ?? "").split(separator: "\n").count
  }

  /// Everything in the cache that belongs to fixtures but locks, without the builds' own names.
  fileprivate var kept: [String] {
    let found = try? shell(
      "cd cache/fixtures && find . -mindepth 1 ! -name '*.lock' | sed -E 's,[0-9a-f]{16},X,g' | sort"
    )
    return (found ?? "").split(separator: "\n").map(String.init)
  }
}

@Suite(
  "A fixture is built",
  .enabled(if: noMachines == nil, Comment(rawValue: noMachines ?? "")),
  .serialized
)
struct FixtureBuildTests {
  @Test("once, however many threads and processes ask; the others say for whom they wait") func once() throws
  {
    let file = "local vm = provium.fixture('small')\ntest('up', function() vm:syscall(39) end)\n"
    let project = try countingProject(["tests/a.lua": file, "tests/b.lua": file])
    // The second starts while the first builds: its script has said so.
    try project.shell(
      """
      "\(Command.binary)" test -v -p 2 > first 2>&1 & first=$!
      until [ -s builds ]; do sleep 0.01; done
      "\(Command.binary)" test -v -p 2 > second 2>&1
      wait $first
      """
    )
    #expect(project.builds == 1)
    let (first, second) = (
      try Files.readText("\(project.path)/first"), try Files.readText("\(project.path)/second")
    )
    #expect(first.contains("ok: 2 files passed"), "\(first)")
    #expect(second.contains("ok: 2 files passed"), "\(second)")
    #expect(
      first.contains(/waiting for the fixture small, which [ab]\.lua builds/),
      "\(first)"
    )
    #expect(second.contains(/waiting for the fixture small, which process \d+ builds/), "\(second)")
  }

  @Test("again only for a file of a shared folder that was read, although others would be sent ahead of need")
  func sharedFiles() throws {
    let project = try countingProject([
      "tests/fixtures/small.lua": """
      local builds = io.open("builds", "a") builds:write("build\\n") builds:close()
      local vm = provium.create():boot{ memory = "128M", share = { ["/src"] = "shared" } }
      vm:exec("ls -l /src; cat /src/1? > /tmp/read; printf whole > /tmp/whole")
      """
    ])
    try project.shell(
      "mkdir shared && for f in $(seq 10 50); do echo $f > shared/$f; done; touch -d 2020-01-01 shared/*"
    )
    func build(_ change: String) throws -> Int {
      try project.shell(change)
      let command = try Command("test", in: project.path)
      #expect(command.output.contains("ok: 1 file passed"), "\(command.text)")
      return project.builds
    }
    #expect(try build("true") == 1)
    #expect(try build("echo changed > shared/25; rm shared/40") == 1, "neither was read")
    #expect(try build("echo changed > shared/15") == 2)
  }

  @Test("in vain: each test that needs it fails with its script's line and the console") func failure() throws
  {
    let use = "provium.fixture('small')\n"
    let project = try countingProject(
      ["tests/a.lua": use, "tests/b.lua": use],
      setup: """
        vm:exec("echo last words of the guest > /dev/kmsg; sleep 0.3")
        assert_eq(1, 2)
        """
    )
    let command = try Command("test", "-p", "2", in: project.path)
    #expect(command.status == .exited(1))
    #expect(command.output.contains("0 files passed, 2 failed"), "\(command.text)")
    for file in ["a", "b"] {
      let part = command.output.split(separator: "\(file).lua ... FAIL").last ?? ""
      #expect(
        part.contains(
          "fixture 'small' could not be built: tests/fixtures/small.lua:5: expected 1, got 2"
        ),
        "\(command.text)"
      )
    }
    #expect(command.output.contains("last words of the guest"))
    #expect(project.builds == 1)
    #expect(project.kept.isEmpty, "\(project.kept)")
  }

  @Test(
    "fixtures that start from each other are an error and never a deadlock, also when two threads build them"
  )
  func circle()
    throws
  {
    func fixture(_ mine: String, _ other: String) -> String {
      "io.open('\(mine)', 'w'):close() while not io.open('\(other)') do end provium.fixture('\(other)')\n"
    }
    let project = try Project(withCache: [
      "tests/fixtures/left.lua": fixture("left", "right"),
      "tests/fixtures/right.lua": fixture("right", "left"),
      "tests/a.lua": "provium.fixture('left')\n", "tests/b.lua": "provium.fixture('right')\n",
    ])
    let begin = Deadline.now
    let command = try Command("test", "-p", "2", in: project.path)
    #expect(command.output.contains("0 files passed, 2 failed"), "\(command.text)")
    #expect(command.output.contains(/start from each other in a cycle: (left → right|right → left)/))
    #expect(Deadline.now - begin < 10_000_000_000)
  }

  @Test("by another process: a wait for it ends with Ctrl-C") func interruptedWait() throws {
    let project = try countingProject()
    let said = try project.shell(
      """
      mkdir cache/fixtures
      id=$(printf %s "$PWD/tests/fixtures/small.lua" | sha256sum | head -c 16)
      exec 9> cache/fixtures/small-$id.lock
      flock 9
      "\(Command.binary)" test -v > log 2>&1 & run=$!
      until grep -q "waiting for the fixture small" log; do sleep 0.01; done
      kill -INT $run
      wait $run || echo "status $?"
      """
    )
    #expect(said == "status 130\n")
    #expect(project.builds == 0)
  }

  @Test("again when its build was killed: what that left is never used, and goes") func killed() throws {
    let project = try countingProject(
      setup: "if not io.open('go') then io.open('asleep', 'w'):close() vm:exec('sleep 1000') end"
    )
    try project.shell(
      """
      "\(Command.binary)" test > /dev/null 2>&1 & run=$!
      until [ -e asleep ]; do sleep 0.01; done
      ls cache/fixtures/small-*/building/memory-* > left
      kill -9 $run; wait $run || true
      touch go
      """
    )
    #expect(try Files.readText("\(project.path)/left").contains("building/memory-"))
    #expect(try Command("fixture", "why", "small", in: project.path).output.contains("it was never built"))
    let command = try Command("test", in: project.path)
    #expect(command.status == .exited(0), "\(command.text)")
    // Nothing was damaged: there is no warning.
    #expect(!command.text.contains("built again"))
    #expect(project.builds == 2)
    #expect(
      project.kept == [
        "./small-X", "./small-X/X", "./small-X/X/memory", "./small-X/X/state", "./small-X/manifest.json",
      ]
    )
  }

  @Test("again, with a warning, when it was damaged") func damaged() throws {
    let project = try countingProject()
    #expect(try Command("test", in: project.path).status == .exited(0))
    for (number, (damage, warning)) in [
      (
        "printf X | dd of=$(echo cache/fixtures/small-*/*/memory) bs=1 seek=5000000 conv=notrunc",
        "memory was altered"
      ),
      ("truncate -s 1000 cache/fixtures/small-*/*/state", "state has 1000 bytes instead of"),
      ("echo '{' > cache/fixtures/small-*/manifest.json", "manifest.json cannot be read"),
    ].enumerated() {
      try project.shell(damage + " 2> /dev/null")
      let command = try Command("test", in: project.path)
      #expect(command.status == .exited(0), "\(command.text)")
      #expect(command.text.contains("fixture small is built again: \(warning)"), "\(command.text)")
      #expect(project.builds == number + 2)
    }
    #expect(!(try Command("test", in: project.path).text.contains("built again")))
    #expect(project.builds == 4)
  }

  @Test("not again when the cache was copied: its files are verified once") func copied() throws {
    let project = try countingProject()
    #expect(try Command("test", in: project.path).status == .exited(0))
    try project.shell("cp -r cache/fixtures copy; rm -r cache/fixtures; mv copy cache/fixtures")
    func manifest() throws -> String { try project.shell("cat cache/fixtures/small-*/manifest.json") }
    let before = try manifest()
    #expect(try Command("fixture", "why", "small", in: project.path).output == "small is current\n")
    let verified = try manifest()
    #expect(verified != before)
    let command = try Command("test", in: project.path)
    #expect(command.status == .exited(0) && !command.text.contains("built again"), "\(command.text)")
    #expect(project.builds == 1)
    #expect(try manifest() == verified)
    // A copy that was damaged is damaged.
    try project.shell(
      """
      cp -r cache/fixtures copy; rm -r cache/fixtures; mv copy cache/fixtures
      printf X | dd of=$(echo cache/fixtures/small-*/*/memory) bs=1 seek=5000000 conv=notrunc 2> /dev/null
      """
    )
    let again = try Command("test", in: project.path)
    #expect(again.text.contains("fixture small is built again: memory was altered"), "\(again.text)")
    #expect(again.status == .exited(0) && project.builds == 2)
  }

  @Test("again, once and with a warning, when QEMU makes no machine of what looks whole") func unusable()
    throws
  {
    let project = try countingProject([
      "qemu": """
      #!/bin/sh
      folder=$(dirname "$0")
      case "$*" in *-incoming*) if [ -e "$folder/spoilt" ]; then rm "$folder/spoilt"; echo spoilt >&2; exit 1; fi ;; esac
      exec qemu-system-x86_64 "$@"
      """
    ])
    try project.shell("chmod +x qemu")
    let environment = ["PROVIUM_QEMU": "\(project.path)/qemu"]
    #expect(try Command("test", in: project.path, environment: environment).status == .exited(0))
    try project.write("", to: "spoilt")
    let command = try Command("test", in: project.path, environment: environment)
    #expect(command.status == .exited(0), "\(command.text)")
    #expect(
      command.text.contains(/fixture small is built again: it could not be resumed: .*spoilt/),
      "\(command.text)"
    )
    #expect(project.builds == 2)
    // The next use clears the spoilt one away, which its own run still held.
    #expect(try Command("test", in: project.path, environment: environment).status == .exited(0))
    #expect(project.kept.filter { $0.hasSuffix("/memory") }.count == 1)
    #expect(project.builds == 2)
    // Another QEMU is no damage, but no trust either.
    let why = try Command("fixture", "why", "small", in: project.path)
    #expect(why.output.contains("QEMU was"), "\(why.text)")
  }

  @Test(
    "not on a full disk: the error says so, nothing is left, and with room it works",
    .enabled(if: noMounts == nil, Comment(rawValue: noMounts ?? ""))
  )
  func fullDisk() throws {
    let project = try countingProject(setup: "vm:exec('head -c 60000000 /dev/urandom > /tmp/much')")
    try project.shell("mkdir cache/fixtures; mount -t tmpfs -o size=64M none cache/fixtures")
    defer { _ = try? project.shell("umount -l cache/fixtures") }
    let command = try Command("test", in: project.path)
    #expect(command.status == .exited(2))
    #expect(command.output.contains("the disk is full"), "\(command.text)")
    #expect(command.output.contains("\(project.path)/cache/fixtures"), "\(command.text)")
    #expect(project.kept.isEmpty, "\(project.kept)")
    try project.shell("mount -o remount,size=1G cache/fixtures")
    let again = try Command("test", in: project.path)
    #expect(again.status == .exited(0), "\(again.text)")
  }

  @Test(
    "a fixture is built on a full disk after unused fixtures of others were removed",
    .enabled(if: noMounts == nil, Comment(rawValue: noMounts ?? ""))
  )
  func crowdedDisk() throws {
    let project = try countingProject([
      "tests/fixtures/other.lua": "provium.create():boot{ memory = '128M' }\n"
    ])
    try project.shell("mkdir cache/fixtures; mount -t tmpfs -o size=150M none cache/fixtures")
    defer { _ = try? project.shell("umount -l cache/fixtures") }
    #expect(try Command("fixture", "build", "other", in: project.path).status == .exited(0))
    let command = try Command("test", in: project.path)
    #expect(command.status == .exited(0), "\(command.text)")
    #expect(!project.kept.contains { $0.contains("other") }, "\(project.kept)")
  }
}
