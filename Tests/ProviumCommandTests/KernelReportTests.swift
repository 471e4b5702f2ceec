import ProviumSystem
import Testing

@Suite(
  "A kernel report",
  .enabled(if: noMachines == nil, Comment(rawValue: noMachines ?? "")),
  .serialized
)
struct KernelReportTests {
  /// Lines of the run's output that say how a test or a file ended, without their times.
  private func verdicts(_ files: [String: String], settings: String = "", _ arguments: String...) throws
    -> [String]
  {
    let project = try Project(withCache: files, settings: settings)
    let command = try Command(arguments: ["test", "-p", "1"] + arguments, in: project.path, seconds: 120)
    return command.output.split(separator: "\n").map { String($0.drop { $0 == " " }) }
      .filter { $0.hasPrefix("· ") || $0.hasPrefix("(kernel report)") }
  }

  @Test("is seen after a snapshot, a restore, a fresh start and a second boot") func otherConsoles() throws {
    let verdicts = try verdicts([
      "tests/a.lua": """
      local vm = provium.create():boot{ memory = "128M" }
      local function report(text) vm:exec("echo 'BUG: KASAN: " .. text .. "' > /dev/kmsg") end
      vm:exec("for i in 1 2 3 4 5 6 7 8; do echo noise > /dev/kmsg; done")
      local s = vm:snapshot()
      test("after snapshot", function() report("one") end)
      test("before snapshot", function() report("two") vm:snapshot() end)
      test("after restore", function() vm:restore(s) report("three") end)
      test("before restore", function() report("four") vm:restore(s) end)
      test("fresh", { fresh = true }, function() report("five") end)
      test("fresh again", { fresh = true }, function() report("six") end)
      test("killed", function() report("seven") vm:kill() end)
      test("clean", function() end)
      """,
      "tests/b.lua": """
      local vm = provium.create():boot{ memory = "128M" }
      vm:exec("for i in $(seq 50); do echo noise > /dev/console; done")
      vm:shutdown()
      vm:boot{ memory = "128M" }
      test("second boot", function() vm:exec("echo 'BUG: KASAN: eight' > /dev/kmsg") end)
      """,
    ])
    let names = [
      "after snapshot", "before snapshot", "after restore", "before restore", "fresh", "fresh again",
      "killed",
    ]
    let numbers = ["one", "two", "three", "four", "five", "six", "seven"]
    try #require(verdicts.count == names.count + 2, "\(verdicts)")
    for (index, name) in names.enumerated() {
      #expect(verdicts[index].hasPrefix("· \(name) ... FAIL: (kernel report) tests/a.lua:\(5 + index): "))
      #expect(verdicts[index].hasSuffix("BUG: KASAN: \(numbers[index])"))
    }
    #expect(verdicts[7] == "· clean ... ok")
    #expect(verdicts[8].hasSuffix("reported: BUG: KASAN: eight"))
  }

  @Test("belongs to the innermost test that ran, or to the file; a panic to one test, which is not run again")
  func attribution() throws {
    let verdicts = try verdicts(
      [
        "tests/a.lua": """
        local vm = provium.create():boot{ memory = "128M" }
        local function report(text) vm:exec("echo 'BUG: KASAN: " .. text .. "' > /dev/kmsg") end
        test("one", function() end)
        report("between")
        test("outer", function()
          report("outer")
          test("inner", function() end)
        end)
        test("asserts", function() report("beside") assert_eq(1, 2) end)
        test("skips", function() report("skipped") skip() end)
        test("flood", function()
          report("flooded")
          vm:exec("i=0; while [ $i -lt 6000 ]; do echo $i; i=$((i+1)); done > /dev/console", { timeout = 100 })
        end)
        test("panics", function() vm:exec("echo c > /proc/sysrq-trigger; sleep 1000") end)
        test("innocent", function() end)
        """
      ],
      "--retries",
      "2"
    )
    try #require(verdicts.count == 9, "\(verdicts)")
    #expect(verdicts[0] == "· one ... ok")
    #expect(verdicts[1].hasPrefix("· outer ... FAIL: (kernel report) tests/a.lua:5: "))
    #expect(verdicts[2] == "· outer / inner ... ok")
    #expect(verdicts[3] == "· asserts ... FAIL: tests/a.lua:9: expected 1, got 2")
    #expect(verdicts[4].hasSuffix("reported: BUG: KASAN: skipped"))
    #expect(verdicts[5].hasSuffix("reported: BUG: KASAN: flooded"))
    #expect(
      verdicts[6].hasPrefix(
        "· panics ... FAIL: (kernel report) tests/a.lua:15: the guest's kernel panicked: Kernel panic - not syncing"
      )
    )
    #expect(verdicts[7] == "· innocent ... ok")
    #expect(verdicts[8].hasPrefix("(kernel report) tests/a.lua:1: "))
    #expect(verdicts[8].hasSuffix("reported: BUG: KASAN: between"))
  }

  @Test("is expected as a whole, also printed slowly; its neighbour is not") func expected() throws {
    let verdicts = try verdicts(
      [
        "tests/a.lua": """
        local vm = provium.create():boot{ memory = "128M" }
        local slowly = "echo 'BUG: kernel NULL pointer dereference, address: 8' > /dev/kmsg; sleep 0.2;"
          .. "echo 'Oops: 0002 [#1]' > /dev/kmsg; echo 'RIP: 0010:my_fn+0x1' > /dev/kmsg"
        test("later line", function()
          vm:expect_splat("my_fn", function() vm:background(slowly) end)
        end)
        test("first line", function()
          vm:expect_splat("NULL pointer", function() vm:background(slowly) end)
          vm:exec("sleep 1")
        end)
        test("neighbour", function()
          vm:expect_splat("meant", function()
            vm:exec("echo 'BUG: KASAN: meant' > /dev/kmsg; echo 'BUG: KASAN: other' > /dev/kmsg")
          end)
        end)
        test("allowed", function() vm:exec("echo 'BUG: KASAN: allowed x' > /dev/kmsg") end)
        test("allowed, neighbour", function()
          vm:exec("echo 'BUG: KASAN: allowed x' > /dev/kmsg; echo 'BUG: KASAN: not allowed' > /dev/kmsg")
        end)
        test("meant panic", function()
          vm:expect_splat("sysrq triggered crash", function()
            pcall(vm.exec, vm, "echo c > /proc/sysrq-trigger; sleep 1000")
          end)
        end)
        test("after", function() end)
        """
      ],
      settings: "allow_splats = [\"KASAN: allowed\"]"
    )
    #expect(
      verdicts.map { $0.split(separator: ":").first ?? "" } == [
        "· later line ... ok", "· first line ... ok", "· neighbour ... FAIL", "· allowed ... ok",
        "· allowed, neighbour ... FAIL", "· meant panic ... ok", "· after ... ok",
      ]
    )
    #expect(verdicts.contains { $0.hasSuffix("reported: BUG: KASAN: other") })
    #expect(verdicts.contains { $0.hasSuffix("reported: BUG: KASAN: not allowed") })
  }

  @Test("is seen once whatever the console's level is, also after a resume and with a panic") func quiet()
    throws
  {
    let verdicts = try verdicts([
      "tests/a.lua": """
      local function warn(vm, name) vm:write_file("/dev/kmsg", "<4>WARNING: CPU: 0 PID: 1 at fs/" .. name .. ".c:1\\n") end
      local vm = provium.create():boot{ memory = "128M", append = "quiet" }
      test("quiet", function() warn(vm, "one") end)
      test("fresh", { fresh = true }, function() warn(vm, "two") end)
      test("fresh and clean", { fresh = true }, function() vm:exec("true") end)
      test("expected", function()
        vm:expect_splat("fs/three", function() warn(vm, "three") end)
      end)
      test("no time to say it", function() warn(vm, "four") vm:kill() end)
      """,
      "tests/b.lua": """
      local vm = provium.create():boot{ memory = "128M", append = "loglevel=3" }
      vm:exec("dmesg -n 1")
      test("lowered", function() vm:write_file("/dev/kmsg", "<4>WARNING: CPU: 0 PID: 1 at fs/five.c:1\\n") end)
      test("shut down", function() vm:write_file("/dev/kmsg", "<4>WARNING: CPU: 0 PID: 1 at fs/six.c:1\\n") vm:shutdown() end)
      local vm = provium.create():boot{ memory = "128M", append = "quiet" }
      test("panics", function()
        vm:write_file("/dev/kmsg", "<4>WARNING: CPU: 0 PID: 1 at fs/seven.c:1\\n")
        pcall(vm.exec, vm, "echo c > /proc/sysrq-trigger; sleep 1000")
      end)
      """,
    ])
    let titles = verdicts.map { String($0.split(separator: "reported: ").last ?? "") }
    let warning = "WARNING: CPU: 0 PID: 1 at fs/"
    let expected = [
      "\(warning)one.c:1", "\(warning)two.c:1", "· fresh and clean ... ok", "· expected ... ok",
      "\(warning)four.c:1",
      "\(warning)five.c:1", "\(warning)six.c:1", "\(warning)seven.c:1",
    ]
    #expect(titles.count == expected.count, "\(verdicts)")
    for (title, text) in zip(titles, expected) { #expect(title.hasPrefix(text), "\(verdicts)") }
  }

  @Test("is not what a program prints on the console, and a quoted panic does no harm") func programs() throws
  {
    let verdicts = try verdicts([
      "tests/a.lua": """
      local vm = provium.create():boot{ memory = "128M" }
      local function print_line(text) vm:write_file("/dev/console", text .. "\\n") end
      for _, text in ipairs{
        "BUG: the daemon could not open its file", "Internal error: no such option", "Oops: please try again",
        "WARNING: at least one file differs", "UBSAN: see the documentation", "BUG: KASAN: x in f", "Oops: 0002 [#1] SMP",
        "WARNING: CPU: 0 PID: 1 at fs/x.c:1", "Kernel panic - not syncing is what we look for",
        "provium: cannot go on: quoted", "[    1.234567] BUG: KASAN: forged",
        "[99999.000000] Kernel panic - not syncing: forged",
      } do
        test("console " .. text, function() print_line(text) assert(vm:exec("echo on").ok) end)
      end
      test("the log of a program", function()
        vm:write_file("/dev/kmsg", "<4>BUG: the daemon could not open its file\\n")
        vm:write_file("/dev/kmsg", "<4>daemon[42]: Kernel panic - not syncing: quoted\\n")
      end)
      test("alive", function() vm:exec("sleep 6", { timeout = 100 }) end)
      test("powers off", function() print_line("BUG: KASAN: last") vm:shutdown() end)
      """
    ])
    #expect(verdicts.count == 15 && verdicts.allSatisfy { $0.hasSuffix("... ok") }, "\(verdicts)")
  }

  @Test("of a panic is found where QEMU is not notified of it") func unnotified() throws {
    let verdicts = try verdicts([
      "tests/a.lua": """
      local vm = provium.create():boot{ memory = "128M", append = "panic=0 quiet module_blacklist=pvpanic,pvpanic_pci" }
      test("panics", function() vm:exec("echo c > /proc/sysrq-trigger; sleep 1000") end)
      local vm = provium.create():boot{ memory = "128M", append = "quiet module_blacklist=pvpanic,pvpanic_pci" }
      test("resets", function() vm:exec("echo c > /proc/sysrq-trigger; sleep 1000") end)
      """
    ])
    let message = "the guest's kernel panicked: Kernel panic - not syncing: sysrq triggered crash"
    #expect(
      verdicts == [
        "· panics ... FAIL: (kernel report) tests/a.lua:2: \(message)",
        "· resets ... FAIL: (kernel report) tests/a.lua:4: \(message)",
      ]
    )
  }

  @Test("of each of several VMs belongs to the test that was running") func severalMachines() throws {
    let verdicts = try verdicts([
      "tests/a.lua": """
      local function boot() return provium.create():boot{ memory = "128M", append = "quiet" } end
      local function report(vm, text) vm:write_file("/dev/kmsg", "<4>BUG: KASAN: " .. text .. "\\n") end
      local one, two, ended = boot(), boot(), boot()
      ended:kill()
      test("none", function() end)
      test("first", function() report(one, "a") end)
      test("last", function() report(two, "b") end)
      test("both", function() report(two, "c") report(one, "d") end)
      test("none again", function() one:exec("true") two:exec("true") end)
      """
    ])
    #expect(verdicts.map { $0.hasSuffix("... ok") } == [true, false, false, false, true], "\(verdicts)")
    for (verdict, title) in zip(verdicts[1...3], ["a", "b", "d"]) {
      #expect(verdict.hasSuffix("BUG: KASAN: \(title)"), "\(verdicts)")
    }
  }
}
