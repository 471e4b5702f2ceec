import ProviumSystem
import Testing

/// The log whose path a failure prints.
@Suite(
  "The log of a failed file",
  .enabled(if: noMachines == nil, Comment(rawValue: noMachines ?? "")),
  .serialized
)
struct FailureLogTests {
  /// Runs a failing `tests/a.lua` and returns the log that the terminal names.
  private func log(_ files: [String: String]) throws -> String {
    let project = try Project(withCache: files)
    let command = try Command("test", in: project.path)
    #expect(command.status == .exited(1), "\(command.text)")
    let line = try #require(command.output.split(separator: "\n").first { $0.contains("a.lua  →  ") })
    let path = try #require(line.split(separator: " ").last.map(String.init))
    defer { try? Files.removeTree(Files.parent(of: path)) }
    return try Files.readText(path)
  }

  @Test(
    "has the whole console, and the kernel's messages of every level from the first one on",
    .timeLimit(.minutes(15))
  ) func whole() throws {
    let log = try log([
      "tests/a.lua": """
      local vm = provium.create()
      vm:boot({memory = "192M"})
      vm:mount_vfs()
      vm:exec("for i in $(seq 1 60); do echo \\"<3>noted $i\\" > /dev/kmsg; done; echo '<7>hidden' > /dev/kmsg")
      assert(false, "look at the log")
      """
    ])
    #expect(log.contains("] Linux version "))
    for number in [1, 30, 60] { #expect(log.contains("noted \(number)\n")) }
    #expect(log.contains("] hidden\n"))
    #expect(log.contains("--- console of VM 1: ") && log.contains("--- kernel log of VM 1: "))
  }

  @Test(
    "has the boot of a VM that is dead, and of one that was resumed from a fixture",
    .timeLimit(.minutes(15))
  ) func others() throws {
    let log = try log([
      "tests/fixtures/f.lua": """
      local vm = provium.create():boot{ memory = "128M" }
      vm:exec("echo '<6>of the fixture' > /dev/kmsg")
      """,
      "tests/a.lua": """
      local dead = provium.create():boot{ memory = "128M" }
      dead:kill()
      local vm = provium.fixture("f")
      test("t", function()
        vm:exec("echo '<6>of the test' > /dev/kmsg")
        error("on purpose")
      end)
      """,
    ])
    // VM 1 is the dead one, 2 that of the fixture's build, 3 the resumed one.
    #expect(log.ranges(of: "] Linux version ").count >= 3)
    #expect(log.contains("] of the fixture\n") && log.contains("] of the test\n"))
    #expect(log.contains("--- kernel log of VM 3: "), "\(log)")
  }
}
