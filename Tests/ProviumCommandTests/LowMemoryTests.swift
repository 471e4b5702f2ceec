import Glibc
import ProviumSystem
import Testing

/// A control group with a memory limit, removed with it. Programs that run in it must have ended by then.
private final class MemoryGroup {
  let folder: String

  /// - Returns: nil where this process may make no such group.
  init?(bytes: Int) {
    let own = (try? Files.readText("/proc/self/cgroup"))?.split(separator: "\n").first {
      $0.contains(":memory:")
    }
    let name = "provium-test-\(getpid())"
    // Version 1; else version 2, where a group below the root can have limits.
    let (parent, file) =
      own.map {
        ("/sys/fs/cgroup/memory\($0.split(separator: ":", maxSplits: 2)[2])", "memory.limit_in_bytes")
      }
      ?? ("/sys/fs/cgroup", "memory.max")
    folder = "\(parent)/\(name)"
    guard mkdir(folder, 0o755) == 0 else { return nil }
    guard Files.exists("\(folder)/\(file)"),
      (try? Files.write(Array("\(bytes)\n".utf8), to: "\(folder)/\(file)")) != nil
    else {
      rmdir(folder)
      return nil
    }
  }

  deinit { rmdir(folder) }

  static let isPossible = MemoryGroup(bytes: 1 << 30) != nil
}

@Suite(
  "A host without memory",
  .enabled(if: noMachines == nil, Comment(rawValue: noMachines ?? "")),
  .enabled(if: MemoryGroup.isPossible, "this process may make no control group with a memory limit")
)
struct LowMemoryTests {
  @Test("a QEMU that the kernel kills for memory says so, and names the group's limit") func killed() throws {
    let project = try Project(withCache: [
      "tests/a.lua": """
      local vm = provium.create():boot{ memory = "1G" }
      test("fills the guest's memory", function() vm:exec("dd if=/dev/zero of=/tmp/filled bs=1M count=700", { timeout = 100 }) end)
      """
    ])
    let group = try #require(MemoryGroup(bytes: 400 << 20))
    let run = try ToolRun.run(
      "/bin/sh",
      ["-c", "echo $$ > \(group.folder)/cgroup.procs && exec \(Command.binary) test -p 1 --mem 4G"],
      directory: project.path,
      environment: ["PATH=/usr/bin:/bin:/usr/sbin:/sbin", "HOME=\(String(cString: getenv("HOME")))"],
      allowFailure: true,
      deadline: .after(.seconds(120))
    )
    let text = run.outputText + run.errorText
    #expect(text.contains("QEMU was killed: the host's kernel ended it for lack of memory"), "\(text)")
    #expect(text.contains("allows 400M:"), "\(text)")
    #expect(run.status != .exited(0))
  }
}
