import Foundation
import ProviumSystem
import Testing

@Suite("With a machine", .enabled(if: noMachines == nil, Comment(rawValue: noMachines ?? "")), .serialized)
struct MachineCommandTests {
  @Test("provium run prints the command's output and exits with its code") func run() throws {
    let project = try Project()
    let command = try Command(
      "run",
      "--mem",
      "128M",
      "--",
      "sh",
      "-c",
      "printf 'a\\0b'; echo oops >&2; exit 7",
      in: project.path
    )
    #expect(command.status == .exited(7))
    #expect(command.output == "a\0b")
    #expect(command.errors == "oops\n")
  }

  /// `$1` is the binary.
  private func shell(_ script: String, in project: Project) throws -> ToolRun {
    try ToolRun.run(
      "bash",
      ["-c", script, "run", Command.binary],
      directory: project.path,
      allowFailure: true,
      deadline: .after(.seconds(180))
    )
  }

  @Test("provium run passes its standard input on, of any size, and does not wait for its end") func input()
    throws
  {
    let project = try Project()
    let run = try shell(
      """
      head -c 1500000 /dev/urandom > data
      "$1" run -- sha256sum < data; sha256sum < data
      (exec sleep 1000) | ("$1" run --timeout 20s -- echo done; kill $(pgrep -P $$ -x sleep))
      "$1" run -- 'cat; echo end' < /dev/null
      """,
      in: project
    )
    let lines = run.outputText.split(separator: "\n").map(String.init)
    try #require(lines.count == 4, "\(run.outputText) \(run.errorText)")
    #expect(lines[0] == lines[1])
    #expect(lines[2...] == ["done", "end"])
  }

  @Test("provium run prints while the command runs, and ends the command when its output is closed")
  func streaming()
    throws
  {
    let project = try Project()
    let run = try shell(
      """
      "$1" run -- 'while echo more; do :; done' < /dev/null | head -n 1; echo "status ${PIPESTATUS[0]}"
      "$1" run -- echo hi < /dev/null > /dev/full; echo "status $?"
      """,
      in: project
    )
    #expect(run.outputText == "more\nstatus 141\nstatus 2\n", "\(run.errorText)")
    #expect(run.errorText.contains("cannot write to standard output: ENOSPC"))
  }

  @Test("provium run shows the console of a machine that died") func death() throws {
    let project = try Project()
    let command = try Command("run", "--", "echo c > /proc/sysrq-trigger; sleep 100", in: project.path)
    #expect(command.status == .exited(2))
    #expect(command.errors.contains("the console's last lines:"))
    #expect(command.errors.contains("sysrq: Trigger a crash"), "\(command.errors)")
  }

  @Test("a signal ends provium run at once, whatever it is doing", arguments: [0, 50, 200, 2500])
  func signal(milliseconds: UInt32) throws {
    let project = try Project()
    let child = try ChildProcess(
      executable: Command.binary,
      arguments: ["run", "--", "sleep 1000"],
      directory: project.path
    )
    try wait("it takes signals itself") {
      ((try? Files.readText("/proc/\(child.pid)/status")) ?? "").contains("SigBlk:\t0000000000004003")
    }
    usleep(milliseconds * 1000)
    child.signal(SIGINT)
    #expect(try child.wait(until: .after(.seconds(5))) == .exited(128 + SIGINT))
  }

  @Test("a guest that panics in mid-command is noticed at once") func panic() throws {
    let project = try Project([
      "tests/a.lua": """
      local vm = provium.create():boot{ memory = "128M" }
      vm:exec("echo c > /proc/sysrq-trigger; sleep 1000")
      """
    ])
    let begin = Deadline.now
    let command = try Command("test", "tests", in: project.path)
    #expect(command.status == .exited(1))
    #expect(command.output.contains("tests/a.lua:2: the guest's kernel panicked: Kernel panic - not syncing"))
    #expect(Deadline.now - begin < 30_000_000_000)
  }

  @Test("a blocked syscall is interrupted at its limit, which is an error, and the machine stays usable")
  func blocked() throws {
    let project = try Project([
      "provium.toml": "[provium]\ntests = [\"tests\"]\nop_timeout = \"100ms\"\n",
      "tests/a.lua": """
      local vm = provium.create():boot{ memory = "128M" }
      test("blocked", function()
        local _, raw = vm:syscall_buf("pipe2", 0, ("\\0"):rep(8), 0, 0)
        local reader = provium.unpack("i32 i32", raw)
        assert_error(function() vm:syscall_buf("read", 1, "x", reader, 0, 1) end, "read")
        assert(vm:syscall("getpid") > 1)
      end)
      """,
    ])
    let command = try Command("test", in: project.path)
    #expect(command.status == .exited(0), "\(command.text)")
  }

  @Test("a worker that cannot be interrupted is killed, and nothing else is")
  func deafWorker() throws {
    let project = try Project([
      "provium.toml": "[provium]\ntests = [\"tests\"]\nop_timeout = \"500ms\"\n",
      "tests/a.lua": """
      local vm = provium.create():boot{ memory = "256M" }
      for _, shared in ipairs{ false, true } do
        test(shared and "shared" or "fork", function()
          local deaf, other = vm:spawn{ shared = shared }, vm:spawn{ shared = shared }
          assert_eq(0, (deaf:syscall_buf("rt_sigprocmask", 1, ("\\xff"):rep(8), 0, 0, 0, 8)))
          local _, raw = deaf:syscall_buf("pipe2", 0, ("\\0"):rep(8), 0, 0)
          local reader = provium.unpack("i32 i32", raw)
          local function block() deaf:syscall_buf("read", 1, "x", reader, 0, 1) end
          assert_error(block, "cannot be interrupted: the worker was killed")
          assert_error(block, "the worker was killed")
          assert_eq("booted", vm:state())
          assert(other:syscall("getpid") > 1)
          assert(vm:exec("true").ok)
          deaf:kill()
        end)
      end
      """,
    ])
    let command = try Command("test", in: project.path)
    #expect(command.status == .exited(0), "\(command.text)")
  }

  @Test("a worker that execve replaced is said to be gone, not to be killed by our own interrupt")
  func replacedWorker() throws {
    let project = try Project([
      "provium.toml": "[provium]\ntests = [\"tests\"]\nop_timeout = \"500ms\"\n",
      "tests/a.lua": """
      local vm = provium.create():boot{ memory = "256M" }
      local worker = vm:spawn{ shared = true }
      local bufs = { [0] = "/bin/sleep\\0", [1] = ("\\0"):rep(24) }
      local argv = {
        { buf_idx = 1, ptr_offset = 0, data_len = 6, data = "sleep\\0" },
        { buf_idx = 1, ptr_offset = 8, data_len = 5, data = "1000\\0" },
      }
      assert_error(function() worker:syscall_ptr("execve", bufs, argv) end, "no longer the agent's")
      assert(vm:exec("true").ok)
      """,
    ])
    let command = try Command("test", in: project.path)
    #expect(command.status == .exited(0), "\(command.text)")
  }

  @Test("a machine whose agent or worker hangs in the kernel for good is dead, and says what hangs")
  func hung() throws {
    let project = try Project([
      "provium.toml": "[provium]\ntests = [\"tests\"]\nop_timeout = \"1s\"\n",
      "tests/a.lua": """
      local FIFREEZE = provium.IOWR("X", 119, 4)
      local image = os.tmpname()
      local file = assert(io.open(image, "wb"))
      file:seek("set", 8 * 1024 * 1024 - 1)
      file:write("\\0")
      file:close()
      for _, who in ipairs{ "agent", "worker" } do
        test(who, function()
          local vm = provium.create():boot{ memory = "256M", disks = { { path = image, snapshot = true } } }
          assert(vm:exec("mke2fs /dev/vda && mkdir -p /m && mount -t ext4 /dev/vda /m").ok)
          local caller = who == "worker" and vm:spawn() or vm
          local fd = vm:syscall_buf("openat", 1, "/m\\0", provium.sys.AT_FDCWD, 0, 0, 0)
          assert_eq(0, (vm:ioctl(fd, FIFREEZE)))
          assert_error(function()
            caller:syscall_buf("mkdirat", 1, "/m/x\\0", provium.sys.AT_FDCWD, 0, 493)
          end, who == "worker" and "cannot be interrupted, nor killed" or "not done in time, and the agent")
          assert_eq("dead", vm:state())
          assert_error(function() vm:exec("true") end, "the machine is dead: mkdirat was not done in time")
        end)
      end
      os.remove(image)
      """,
    ])
    let command = try Command("test", in: project.path, seconds: 120)
    #expect(command.status == .exited(0), "\(command.text)")
  }

  @Test("--watch runs again what a change touches: the file, and the files that use a fixture") func watch()
    throws
  {
    let project = try Project(withCache: [
      "tests/fixtures/small.lua": "dofile('tests/_helper.lua')\n",
      "tests/_helper.lua": "provium.create():boot{ memory = \"128M\" }\n",
      "tests/a.lua": "local vm = provium.fixture('small')\ntest('first', function() vm:syscall(39) end)\n",
      "tests/b.lua": "test('alone', function() end)\n",
    ])
    let script = """
      "$1" test --watch > log 2>&1 & watch=$!
      rounds() { for i in $(seq 300); do [ "$(grep -c '^watching' log)" -ge $1 ] && return; sleep 0.1; done; exit 9; }
      rounds 1
      echo "test('second', function() end)" >> tests/b.lua
      rounds 2
      echo '-- touched' >> tests/_helper.lua
      rounds 3
      kill -INT $watch; wait $watch; echo "status $?" >> log
      """
    let run = try ToolRun.run(
      "bash",
      ["-c", script, "watch", Command.binary],
      directory: project.path,
      allowFailure: true,
      deadline: .after(.seconds(90))
    )
    let log = try Files.readText("\(project.path)/log")
    #expect(run.status == .exited(0), "\(log)")
    let rounds = log.components(separatedBy: "changed: ")
    try #require(rounds.count == 3, "\(log)")
    #expect(rounds[0].contains("a.lua ... ok") && rounds[0].contains("b.lua ... ok"))
    #expect(rounds[1].hasPrefix("tests/b.lua") && rounds[1].contains("second ... ok"))
    #expect(!rounds[1].contains("a.lua ... ok"))
    #expect(rounds[2].hasPrefix("tests/_helper.lua") && rounds[2].contains("a.lua ... ok"))
    #expect(!rounds[2].contains("b.lua ... ok"))
    #expect(log.hasSuffix("status 130\n"))
  }

  @Test("after kill -9 neither QEMU nor files remain") func killed() throws {
    let project = try Project([
      "tests/a.lua": "local vm = provium.create():boot{ memory = \"128M\" }\nvm:exec(\"sleep 1000\")\n"
    ])
    let directory = "\(project.path)/tmp"
    try Files.createDirectories(directory, mode: 0o700)
    let child = try ChildProcess(
      executable: Command.binary,
      arguments: ["test", "tests"],
      environment: ["PATH=/usr/bin:/bin", "HOME=\(String(cString: getenv("HOME")))", "TMPDIR=\(directory)"],
      directory: project.path
    )
    try wait("the fork server and the machine run") { machines(of: child).count == 2 }
    let mine = machines(of: child)
    child.signal(SIGKILL)
    _ = try child.wait(until: .after(.seconds(5)))
    try wait("QEMU is gone") { mine.allSatisfy { !Files.exists("/proc/\($0)") } }
    try wait("the run's directory is gone") {
      ((try? Files.list("\(directory)/provium-\(getuid())")) ?? []).isEmpty
    }
  }

  @Test("Ctrl-C ends what runs, reports it, and leaves nothing") func interrupted() throws {
    let project = try Project([
      "tests/a.lua": """
      local vm = provium.create():boot{ memory = "128M" }
      io.open("up", "w"):close()
      vm:exec("sleep 1000")
      """
    ])
    let child = try ChildProcess(
      executable: "/bin/sh",
      arguments: ["-c", "mkdir -m 700 tmp; TMPDIR=$PWD/tmp exec \"$0\" test tests > out", Command.binary],
      directory: project.path
    )
    // Other tests share the resource pool.
    try wait("the guest is up", seconds: 120) { Files.exists("\(project.path)/up") }
    let mine = machines(of: child)
    child.signal(SIGINT)
    #expect(try child.wait(until: .after(.seconds(15))) == .exited(128 + SIGINT))
    let report = try Files.readText("\(project.path)/out")
    #expect(report.contains("a.lua ... FAIL") && report.contains("stopped early: interrupted"), "\(report)")
    // The VM, and the fork server that started it.
    #expect(mine.count == 2 && mine.allSatisfy { !Files.exists("/proc/\($0)") }, "\(mine)")
    #expect(try project.shell("ls -d tmp/provium-*/run-*/vm* || true") == "")
  }

  @Test("a script that is stuck is given up with its machines, and what they held goes to the next file")
  func stuck()
    throws
  {
    let stuck = "(('a'):rep(200)):find(('a-'):rep(100) .. 'b')"
    let project = try Project(withCache: [
      "tests/a.lua": """
      local vm = provium.create():boot{ memory = "128M" }
      test("stuck", { timeout = "100ms" }, function() \(stuck) end)
      """,
      "tests/b.lua": "provium.fixture('stuck')\n",
      "tests/c.lua": "provium.fixture('stuck')\n",
      "tests/d.lua": """
      local vm = provium.create():boot{ memory = "128M" }
      test("fine", function() assert(vm:exec("true").ok) end)
      """,
      "tests/fixtures/stuck.lua":
        "local vm = provium.create():boot{ memory = \"128M\" }\nlocal x = \(stuck)\n",
    ])
    let command = try Command(
      arguments: [
        "test", "--mem", "128M", "--cpus", "1", "-p", "1", "--timeout", "2s", "--json", "events", "tests",
      ],
      in: project.path
    )
    #expect(command.status == .exited(1), "\(command.text)")
    #expect(command.output.contains("· fine ... ok"), "\(command.text)")
    #expect(command.output.contains("FAIL: 1 file passed, 3 failed"))
    #expect(command.output.contains("provium: stage agent"))
    let events = try Files.readText("\(project.path)/events").split(separator: "\n")
    func count(_ name: String) -> Int { events.count { $0.contains("\"\(name)\"") } }
    #expect(count("pool_granted") == 3)
    #expect(count("pool_released") == count("pool_granted"))
    #expect(count("machine_ended") == count("machine_started"))
  }

  @Test("a boot that is interrupted says so") func interruptedBoot() throws {
    let project = try Project(["tests/a.lua": "provium.create():boot{ memory = \"128M\" }\n"])
    let output = try project.shell(
      """
      '\(Command.binary)' test -v tests > out 2>&1 & run=$!
      for _ in $(seq 200); do pgrep -P $run qemu > /dev/null && break; sleep 0.05; done
      kill -INT $run
      wait $run || echo "status $?" >> out
      cat out
      """
    )
    #expect(
      output.contains("(infrastructure error) tests/a.lua:1: interrupted during: booting vm1 (default)"),
      "\(output)"
    )
    #expect(output.contains("status 130"))
  }

  @Test("a time limit says whose it is, and how long") func limits() throws {
    let project = try Project([
      "provium.toml": "[provium]\ntests = [\"tests\"]\nop_timeout = \"200ms\"\n",
      "tests/a.lua": """
      local vm = provium.create():boot{ memory = "128M" }
      test("read", function() vm:read_file("/dev/console") end)
      test("sub-test", { timeout = "300ms" }, function() vm:exec("sleep 1000", { timeout = 2000 }) end)
      test("script", { timeout = "300ms" }, function() while true do end end)
      vm:exec("sleep 1000", { timeout = 2000 })
      """,
    ])
    let command = try Command("test", "--timeout", "3s", in: project.path)
    let verdicts = command.output.split(separator: "\n").filter { $0.contains("(timeout)") }
    try #require(verdicts.count == 4, "\(command.output)")
    let ends = [
      "the operation's time limit of", "the sub-test's time limit of", "the sub-test's time limit of",
      "the file's time limit of",
    ]
    for (verdict, end) in zip(verdicts, ends) { #expect(verdict.contains(end)) }
    #expect(verdicts[1].contains("(300ms × ") || verdicts[1].contains("limit of 300ms was reached"))
  }

  /// The process IDs of the QEMU processes that a process has started: its VMs, and their fork server.
  private func machines(of parent: ChildProcess) -> [String] {
    ((try? Files.list("/proc")) ?? []).filter { pid in
      ((try? Files.readText("/proc/\(pid)/cmdline")) ?? "").hasPrefix("/usr/bin/qemu")
        && ((try? Files.readText("/proc/\(pid)/stat")) ?? "").contains(" \(parent.pid) ")
    }
  }

  private func wait(_ what: String, seconds: Int = 20, _ condition: () -> Bool) throws {
    let deadline = Deadline.after(.seconds(seconds))
    while !condition() {
      if deadline.isExpired {
        Issue.record("not in time: \(what)")
        return
      }
      usleep(20_000)
    }
  }
}
