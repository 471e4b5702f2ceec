import Foundation
import ProviumSystem
import Testing

/// Time limits while all of the host's processors have more to do than they can.
@Suite(
  "Time limits on a busy host",
  .enabled(if: noMachines == nil, Comment(rawValue: noMachines ?? "")),
  .serialized
)
struct BusyHostTests {
  /// Four busy processes for each processor, until they are ended.
  private final class Load {
    private var children: [ChildProcess] = []

    init() throws {
      for _ in 0..<HostFacts.processors * 4 {
        children.append(try ChildProcess(executable: "/bin/sh", arguments: ["-c", "while :; do :; done"]))
      }
    }
    deinit { for child in children { child.terminate() } }
  }

  /// `1m30s`, `20s`, `500ms`.
  private func seconds(_ text: Substring) -> Double? {
    Quantity.duration(String(text)).map { $0.inSeconds }
  }

  @Test(
    "a suite passes, and a test that hangs ends within one and a half times its limit",
    .timeLimit(.minutes(8))
  )
  func hang() throws {
    let project = try Project(withCache: [
      "tests/passes.lua": """
      local vm = provium.create():boot{ memory = '128M' }
      test('works', { timeout = '6s' }, function()
        for i = 1, 20 do assert_eq(tostring(i), vm:exec('echo ' .. i).stdout.trim()) end
      end)
      """,
      // A guest that is busy, and one that sleeps.
      "tests/hangs.lua": """
      local vm = provium.create():boot{ memory = '128M' }
      test('spins', { timeout = '2s' }, function() vm:exec('while :; do :; done') end)
      """,
      "tests/sleeps.lua": """
      local vm = provium.create():boot{ memory = '128M' }
      test('sleeps', { timeout = '2s' }, function() vm:exec('sleep 1000') end)
      """,
    ])
    let path = "\(project.path)/events.json"
    let load = try Load()
    let command = try Command(
      arguments: ["test", "--json", path, "-p", "3", "--cpus", "3"],
      in: project.path,
      seconds: 400
    )
    withExtendedLifetime(load) {}
    #expect(command.text.contains("1 file passed, 2 failed"), "\(command.text)")
    let events = try EventFile(path)
    for file in ["hangs.lua", "sleeps.lua"] {
      let ended = try #require(events.named("subtest_ended").first { $0["file"] as? String == file })
      let duration = try #require(ended["duration"] as? Double)
      // `the sub-test's time limit of 20s (2s × 10, the timeout multiplier), and 8s more for a busy host, was reached`
      let match = try #require(
        command.text.firstMatch(of: /the sub-test's time limit of (?<limit>[0-9a-z.]+)/)
      )
      let limit = try #require(seconds(match.limit))
      #expect(duration >= limit * 0.99 && duration <= limit * 1.5, "\(file): \(duration) of \(limit)")
    }
  }
}
