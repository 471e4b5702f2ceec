import Foundation
import ProviumSystem
import Testing

/// The operations of its VMs that a failed test shows.
@Suite(
  "The operations of a failing test",
  .enabled(if: noMachines == nil, Comment(rawValue: noMachines ?? "")),
  .serialized
)
struct TraceCommandTests {
  @Test("are those of workers too, and of each machine that it used, with a mark where it began")
  func traces()
    throws
  {
    let project = try Project([
      "tests/a.lua": """
      local vm = provium.create():boot{ memory = "128M" }
      test("first", function() vm:syscall("getuid") end)
      test("alone", function()
        vm:spawn():syscall_buf("openat", 1, "/nonexistent\\0", -100, 0, 0, 0)
        vm:syscall_buf("pipe2", 0, ("\\0"):rep(8), 0, 0)
        vm:syscall("kill", -100, 0)
        vm:ioctl(0, provium.IOR("T", 0x30, 4))
        pcall(vm.ioctl, vm, 1, 0x541B, 5)
        fail("alone")
      end)
      test("two", function()
        local other = provium.create():boot{ memory = "128M" }
        vm:syscall("getppid")
        other:syscall("gettid")
        fail("two")
      end)
      """
    ])
    let text = try Command("test", "tests", in: project.path).output
    func lines(_ title: String) throws -> [String] {
      let part = try #require(text.components(separatedBy: "· \(title) ...").dropFirst().first)
      let list = part.components(separatedBy: "--- last operations ---").dropFirst().first ?? ""
      return list.components(separatedBy: "--- console").first.map { list in
        list.split(separator: "\n").map { line in
          String(line.split(separator: " <")[0]).trimmingCharacters(in: .whitespaces)
        }.filter { !$0.isEmpty }
      } ?? []
    }
    let alone = try lines("alone")
    try #require(alone.count == 7, "\(text)")
    #expect(alone[0] == "getuid() = 0")
    #expect(alone[1] == "--- test \"alone\" begins")
    #expect(alone[2].hasPrefix("spawn(fork) = worker 1 (pid "))
    #expect(alone[3] == "[worker 1] openat(AT_FDCWD, \"/nonexistent\", 0, 0) = -ENOENT")
    #expect(alone[4].hasPrefix(#"pipe2("\0\0\0\0\0\0\0\0", 0) = 0 => "\x"#))
    #expect(alone[5] == "kill(-100, 0) = -ESRCH")
    #expect(alone[6].hasPrefix("ioctl(0, _IOR('T', 0x30, 4)) = -"))
    let two = try lines("two")
    try #require(two.count >= 5, "\(text)")
    #expect(two[0] == "vm2 (default):" && two[1].hasPrefix("gettid() = ") && two[2] == "vm1 (default):")
    #expect(two.suffix(2)[two.count - 2] == "--- test \"two\" begins")
    #expect(two[two.count - 1].hasPrefix("getppid() = "))
  }

  @Test("of a machine that was lost stand beside its console, which is shown once") func console() throws {
    let project = try Project([
      "tests/a.lua": """
      local vm = provium.create():boot{ memory = "128M" }
      test("lost", function() vm:exec("kill -9 " .. vm:syscall("getpid")) end)
      test("caught", function() print(select(2, pcall(vm.exec, vm, "true"))) end)
      """
    ])
    let text = try Command("test", "tests", in: project.path).output
    #expect(text.contains("tests/a.lua:2: the machine is dead: exec(\"kill -9 "))
    #expect(text.contains("--- console (last "))
    #expect(!text.contains("the console's last lines:"), "\(text)")
  }

  @Test("A number that is another one in a machine of the file is not taken from provium.sys") func foreign()
    throws
  {
    let project = try Project([
      "provium.toml": "[profile.arm]\narch = \"aarch64\"\n[profile.pc]\narch = \"x86_64\"\n",
      "a.lua": """
      test("differs", function()
        local directory = provium.sys.O_DIRECTORY
        local arm, pc = provium.create("arm"), provium.create("pc")
        assert_eq(0x4000, arm.sys.O_DIRECTORY)
        assert_eq(0x10000, pc.sys.O_DIRECTORY)
        assert_eq(arm.sys.O_RDWR, provium.sys.O_RDWR)
        assert_error(function() return provium.sys.O_DIRECTORY end, "vm.sys.O_DIRECTORY")
      end)
      """,
    ])
    let command = try Command("test", "a.lua", in: project.path)
    #expect(command.status == .exited(0), "\(command.text)")
  }
}
