import Foundation
import ProviumSystem
import Testing

/// Guests of another architecture than the host's, always emulated.
@Suite(
  "An aarch64 profile",
  .enabled(if: noMachines == nil, Comment(rawValue: noMachines ?? "")),
  .disabled(
    if: ToolRun.find("qemu-system-aarch64") == nil,
    "qemu-system-aarch64 is not installed (qemu-system-arm)"
  ),
  .disabled(
    if: ToolRun.find("aarch64-linux-gnu-gcc") == nil,
    "the agent's cross compiler is not installed (gcc-aarch64-linux-gnu)"
  ),
  .serialized
)
struct ArchitectureTests {
  /// The repository's own suite.
  private var suite: String { repository.appending(path: "Tests/lua").path }
  private var repository: URL {
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
  }

  /// The files whose calls depend on the architecture: system calls and their data, the agent's operations, snapshots. The others
  /// test the host's side, with many machines.
  private let files = [
    "exec", "files", "fixture", "folders", "ioctls", "jobs", "processes", "shares", "snapshots", "syscalls",
    "userland", "workers",
  ]

  @Test("passes what depends on it of the conformance suite, fixtures included") func conformance() throws {
    let project = try Project([
      "provium.toml":
        "[provium]\ntests = [\"tests\"]\nfixtures = [\"Fixtures\"]\n[profile.default]\narch = \"aarch64\"\n"
    ])
    try Files.createDirectories("\(project.path)/tests")
    _ = try ToolRun.run(
      "cp",
      ["-r", "\(suite)/fixtures"] + files.map { "\(suite)/\($0).lua" } + ["\(project.path)/tests"]
    )
    _ = try ToolRun.run(
      "cp",
      ["-r", repository.appending(path: "Fixtures").path, "\(project.path)/Fixtures"]
    )
    try Files.write(
      Array("local vm = provium.create():boot()\nassert_eq('aarch64\\n', vm:exec('uname -m').stdout)\n".utf8),
      to: "\(project.path)/tests/machine.lua",
      mode: 0o644
    )
    // A minute or two alone. The other tests of the run use the same processors.
    let command = try Command("test", "-p", "2", in: project.path, seconds: 1200)
    #expect(command.status == .exited(0), "\(command.text)")
    #expect(command.text.contains("ok: \(files.count + 1) files passed"), "\(command.text)")
  }

  @Test("of an architecture that Provium knows nothing of is refused by its line") func unknown() throws {
    let project = try Project([
      "provium.toml": "[profile.old]\narch = \"vax\"\n", "a.lua": "test('x', function() end)\n",
    ])
    let command = try Command("test", "a.lua", in: project.path)
    #expect(command.status == .exited(2))
    #expect(command.text.contains("\"x86_64\" or \"aarch64\""), "\(command.text)")
  }
}
