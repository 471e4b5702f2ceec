import Foundation
import Glibc
import ProviumSystem
import Testing

@Suite("Kept failures", .enabled(if: noMachines == nil, Comment(rawValue: noMachines ?? "")), .serialized)
struct KeptFailureTests {
  /// A project whose file keeps one VM of each kind.
  private static func project(settings: String = "", _ test: String) throws -> Project {
    try Project(
      withCache: [
        "tests/fixtures/base.lua": "provium.create():boot():write_file('/made', 'by the fixture')",
        "tests/a.lua": test,
      ],
      settings: settings
    )
  }

  /// The ID after `provium open` in the failure of a test.
  private static func id(of test: String, in command: Command) throws -> String {
    let lines = command.output.split(separator: "\n").map(String.init)
    let start = try #require(lines.firstIndex { $0.contains("· \(test) ...") }, "\(command.text)")
    let line = try #require(lines[start...].prefix(5).first { $0.contains("kept: ") }, "\(command.text)")
    return String(try #require(line.split(separator: " ").last))
  }

  private static func folders(_ project: Project) throws -> [String] {
    try Files.list("\(project.path)/cache/failures").sorted()
  }

  @Test("a failed VM, a panicked one and one without an agent are kept, and opened as often as wanted")
  func kinds() throws {
    let project = try Self.project(
      """
      local vm = provium.fixture("base")
      test("asserts", function() vm:exec("echo one > /one"); assert_eq(1, 2) end)
      test("goes on", function() assert_eq(vm:exec("cat /one").stdout, "one\\n") end)
      test("panics", function() vm:exec("echo before-the-end > /dev/ttyS0; echo c > /proc/sysrq-trigger") end)
      test("loses", function()
        local other = provium.fixture("base")
        other:exec("kill -9 " .. other:syscall("getppid"))
        other:exec("sleep 100")
      end)
      test("is off", function()
        local other = provium.fixture("base")
        other:exec("poweroff -f")
        other:exec("sleep 100")
      end)
      test("expects an end", function()
        local other = provium.fixture("base")
        assert_error(function() other:exec("poweroff -f"); other:exec("sleep 100") end)
      end)
      """
    )
    let run = try Command(
      "test",
      "--keep-failed",
      "--channel",
      "serial",
      "--html",
      "r.html",
      "--junit",
      "r.xml",
      "--json",
      "r.json",
      in: project.path
    )
    #expect(run.status == .exited(1), "\(run.text)")
    let asserts = try Self.id(of: "asserts", in: run)
    let panics = try Self.id(of: "panics", in: run)
    let loses = try Self.id(of: "loses", in: run)
    let off = try Self.id(of: "is off", in: run)
    #expect(run.output.contains("· goes on ... ok"))
    #expect(try Self.folders(project) == [asserts, panics, loses, off].sorted())
    for report in ["r.html", "r.xml", "r.json"] {
      #expect(try Files.readText("\(project.path)/\(report)").contains(panics), "\(report)")
    }
    let files = "cache/failures/*/* cache/failures/* cache/failures"
    let status = try project.shell("stat -c '%a %n' \(files) | grep -v /base$")
    #expect(
      !status.split(separator: "\n").contains { !$0.hasPrefix("600 ") && !$0.hasPrefix("700 ") },
      "\(status)"
    )

    // The base of its memory is the fixture's file: the folder protects both.
    for _ in 1...2 {
      let open = try Command("open", asserts, "--run", "cat /made /one; rm /one; exit 3", in: project.path)
      #expect(open.output == "by the fixtureone\n" && open.status == .exited(3), "\(open.text)")
    }
    for (id, reason) in [
      (panics, "sysrq triggered crash"), (loses, "the agent of"), (off, "powered itself off"),
    ] {
      let open = try Command("open", String(id.prefix(6)), "--run", "true", in: project.path)
      #expect(open.status == .exited(2), "\(open.text)")
      #expect(
        open.errors.contains(reason) && open.errors.contains("provium open \(id) --core"),
        "\(open.errors)"
      )
    }
    let lines = "x = vm:exec('cat /one').stdout\nx .. 1\nvm:exec('rm /one')\nnothing.x\n"
    try project.write(lines, to: "lines")
    let lua = try project.shell("'\(Command.binary)' open \(asserts) --lua < lines 2> errors || echo code $?")
    #expect(lua.hasPrefix("\"one\\n1\"\n") && lua.hasSuffix("\ncode 1\n"), "\(lua)")
    #expect(try Files.readText("\(project.path)/errors").contains("global 'nothing'"))
    let dead = try Command("open", panics, "--lua", in: project.path)
    #expect(dead.status == .exited(2) && dead.errors.contains("sysrq triggered crash"), "\(dead.text)")
    let console = try Command("open", panics, "--console", in: project.path)
    #expect(console.status == .exited(0) && console.output.contains("before-the-end"), "\(console.text)")
    let live = try Command("open", loses, "--console", in: project.path)
    #expect(live.status == .exited(0), "\(live.text)")

    // By hand a core is opened with drgn and crash; here its form and size are checked.
    let core = try Command("open", panics, "--core", "core", in: project.path)
    #expect(core.status == .exited(0), "\(core.text)")
    let headers = try project.shell("readelf -lnW core 2>&1 || true")
    #expect(
      headers.contains("LOAD") && headers.contains("NT_PRSTATUS") && headers.contains("VMCOREINFO"),
      "\(headers)"
    )
    #expect(try #require(Files.size("\(project.path)/core")) >= 512 << 20)
    #expect(Files.blocks("\(project.path)/core") < 256 << 20)

    let list = try Command("open", "--list", in: project.path)
    for id in [asserts, panics, loses, off] { #expect(list.output.contains(id)) }
    #expect(list.output.contains("a.lua / asserts"))
    #expect(try Command("open", off, "--remove", in: project.path).status == .exited(0))
    #expect(try Self.folders(project) == [asserts, panics, loses].sorted())
    let gone = try Command("open", off, in: project.path)
    #expect(gone.status == .exited(2) && gone.errors.contains("no VM with the ID '\(off)' is kept"))

    // As if another version had kept it.
    let file = "\(project.path)/cache/failures/\(asserts)/kept.json"
    let text = try Files.readText(file).replacing(
      /"qemu" : "[^"]*"/,
      with: "\"qemu\" : \"1.2.3 \\\\/usr\\\\/bin\\\\/qemu\""
    )
    try Files.write(Array(text.utf8), to: file)
    let other = try Command("open", asserts, "--run", "true", in: project.path)
    #expect(other.status == .exited(2) && other.errors.contains("QEMU was 1.2.3"), "\(other.text)")
  }

  @Test(
    "gdb finds the kernel's functions and the processors of a kept VM",
    .enabled(if: ToolRun.find("gdb") != nil)
  ) func gdb() throws {
    let project = try Self.project(
      """
      local vm = provium.fixture("base")
      test("panics", function() vm:exec("echo c > /proc/sysrq-trigger") end)
      """
    )
    let run = try Command("test", "--keep-failed", in: project.path)
    let id = try Self.id(of: "panics", in: run)
    try project.write("info registers rip\ninfo symbol $rip\nbacktrace\n", to: "commands")
    let gdb = try project.shell("'\(Command.binary)' open \(id) --gdb < commands 2>&1")
    #expect(gdb.contains("rip") && gdb.contains(" in section .text"), "\(gdb)")
    for name in [" panic (", " sysrq_handle_crash (", " proc_reg_write (", " do_syscall_64 ("] {
      #expect(gdb.contains(name), "\(gdb)")
    }
    let wrong = try Command("open", id, "--gdb", "--vmlinux", "/bin/true", in: project.path)
    #expect(
      wrong.status == .exited(2) && wrong.errors.contains("/bin/true is another kernel"),
      "\(wrong.text)"
    )
  }

  @Test("keep_failed and PROVIUM_KEEP_FAILED count tests, and the oldest VMs leave above keep_max")
  func limits()
    throws
  {
    let project = try Self.project(
      settings: "keep_failed = 2\nkeep_max = \"1M\"",
      """
      local vm = provium.fixture("base")
      for name in ("a b c"):gmatch("%S+") do
        test(name, function() vm:exec("head -c 2000000 /dev/urandom > /" .. name); assert_eq(1, 2) end)
      end
      """
    )
    let run = try Command("test", in: project.path)
    let second = try Self.id(of: "b", in: run)
    #expect(run.output.split(separator: "\n").count { $0.contains("kept: ") } == 2, "\(run.text)")
    #expect(try Self.folders(project) == [second])
    // The rest of a save that was killed.
    try Files.createDirectories("\(project.path)/cache/failures/saving-0123")
    let none = try Command("test", in: project.path, environment: ["PROVIUM_KEEP_FAILED": "0"])
    #expect(none.status == .exited(1) && !none.output.contains("kept: "))
    let one = try Command("test", "--keep-count", "1", in: project.path)
    #expect(try Self.folders(project) == [try Self.id(of: "a", in: one)])
    let wrong = try Command("test", in: project.path, environment: ["PROVIUM_KEEP_FAILED": "x"])
    #expect(wrong.status == .exited(2) && wrong.errors.contains("PROVIUM_KEEP_FAILED"))
    try project.write("[provium]\nkeep_failed = \"yes\"\n", to: "provium.toml")
    let bad = try Command("test", in: project.path)
    #expect(bad.status == .exited(2) && bad.errors.contains("true, false, or a whole number"), "\(bad.text)")
  }

  @Test(
    "a kept VM has its state before the test, goes to another cache as one file, and its failure has facts"
  )
  func before() throws {
    let project = try Self.project(
      """
      on_failure(function(t) print("looked at " .. t.name) end)
      on_failure(function() error("cannot look") end)
      on_failure(function() while true do end end)
      local vm = provium.fixture("base")
      test("asserts", function() vm:exec("echo one > /one"); assert_eq(1, 2) end)
      test("passes", function() end)
      """
    )
    let run = try Command(
      "test",
      "--keep-failed",
      "--timeout-multiplier",
      "2",
      "--json",
      "r.json",
      "--html",
      "r.html",
      in: project.path
    )
    let id = try Self.id(of: "asserts", in: run)
    #expect(run.output.contains("looked at asserts") && run.output.contains("cannot look"), "\(run.text)")
    #expect(run.output.contains("on_failure: time limit reached"), "\(run.text)")
    #expect(run.output.contains("· passes ... ok") && !run.output.contains("looked at passes"))
    for name in ["r.json", "r.html"] {
      let report = try Files.readText("\(project.path)/\(name)")
      #expect(report.contains("MemTotal") && report.contains("kernel log of vm"), "\(name)")
    }
    let look = "cat /made; ls /one 2>&1"
    let before = try Command("open", id, "--before", "--run", look, in: project.path)
    #expect(
      before.output.contains("by the fixture") && before.output.contains("No such file"),
      "\(before.text)"
    )

    #expect(try Command("export", id, "one.tar.zst", in: project.path).status == .exited(0))
    let other = try Project(withCache: [:])
    let taken = try Command("import", "\(project.path)/one.tar.zst", in: other.path)
    #expect(taken.output == "provium open \(id)\n", "\(taken.text)")
    let open = try Command("open", id, "--run", "cat /one", in: other.path)
    #expect(open.output == "one\n", "\(open.text)")
    // A link in the archive.
    try other.shell(
      "mkdir x && ln -s /etc/passwd x/memory && tar -C x --zstd -cf bad.tar.zst .; echo junk > junk"
    )
    for name in ["bad.tar.zst", "junk"] {
      let bad = try Command("import", name, in: other.path)
      #expect(bad.status == .exited(2) && bad.errors.contains("cannot be imported"), "\(bad.text)")
    }
    #expect(try Self.folders(other) == [id])
  }

  @Test(
    "a disk that fills while a VM is saved leaves the verdict, and nothing on the disk",
    .enabled(if: noMounts == nil, Comment(rawValue: noMounts ?? ""))
  ) func fullDisk() throws {
    let project = try Self.project(
      """
      local vm = provium.create():boot()
      test("asserts", function() assert_eq(1, 2) end)
      """
    )
    try project.shell("mkdir cache/failures && mount -t tmpfs -o size=4M none cache/failures")
    defer { _ = try? project.shell("umount cache/failures") }
    let run = try Command("test", "--keep-failed", in: project.path)
    #expect(run.status == .exited(1) && run.output.contains("expected 1, got 2"), "\(run.text)")
    #expect(run.text.contains("could not be kept") && run.text.contains("ENOSPC"), "\(run.text)")
    #expect(!run.output.contains("kept: vm1"))
    #expect(try Self.folders(project).isEmpty)
  }

  @Test("a VM that did not boot is kept, with its panic or as it hangs") func unbooted() throws {
    let project = try Project(withCache: [
      "tests/a.lua":
        """
      local nowhere = "init=/nowhere rdinit=/nowhere root=/dev/nothing panic=-1 loglevel=7"
      local waiting = "rdinit=/nowhere root=/dev/nothing rootwait"
      test("panics", function() provium.create():boot { append = nowhere } end)
      test("expects", function() assert(not provium.create():try_boot { append = nowhere }.booted) end)
      test("hangs", function() provium.create():boot { append = waiting, boot_timeout = "1s" } end)
      """
    ])
    let run = try Command("test", "--keep-failed", "--timeout-multiplier", "1", in: project.path)
    let (panics, hangs) = (try Self.id(of: "panics", in: run), try Self.id(of: "hangs", in: run))
    #expect(try Self.folders(project) == [panics, hangs].sorted(), "\(run.text)")
    let console = try Command("open", panics, "--console", in: project.path)
    #expect(console.output.contains("Unable to mount root fs"), "\(console.text)")
    for id in [panics, hangs] {
      let open = try Command("open", id, "--run", "true", in: project.path)
      #expect(open.status == .exited(2) && open.errors.contains("the boot failed: "), "\(open.text)")
    }
    let core = try Command("open", panics, "--core", "core", in: project.path)
    #expect(core.status == .exited(0), "\(core.text)")
  }

  @Test("without kept VMs, and with wrong options, provium open says what to do") func badInput() throws {
    let project = try Project(["provium.toml": "[provium]\ncache = \"cache\"\n"])
    let none = try Command("open", in: project.path)
    #expect(none.status == .exited(2) && none.errors.contains("--keep-failed"))
    #expect(try Command("open", "--list", in: project.path).output.contains("no VM is kept"))
    let both = try Command("open", "--console", "--run", "x", in: project.path)
    #expect(both.status == .exited(2) && both.errors.contains("exclude each other"))
    let lua = try Command("open", "--lua", "--drgn", in: project.path)
    #expect(lua.status == .exited(2) && lua.errors.contains("exclude each other"))
    let dots = try Command("open", "../x", "--remove", in: project.path)
    #expect(dots.status == .exited(2))
    let count = try Command("test", "--keep-count", "-1", in: project.path)
    #expect(count.status == .exited(2))
  }
}
