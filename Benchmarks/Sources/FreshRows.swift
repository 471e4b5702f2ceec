import Glibc
import ProviumSystem
import ProviumVM

/// Resumed VMs that run a command. Without KVM, QEMU translates the guest's code for each of them again. A bare guest shows
/// how long that takes.
struct FreshRows {
  let commands: CommandRows
  let host: MachineHost
  let bareProgram: String
  let folder: String
  let rounds: Int

  func rows() throws -> [Row] { [try firstCommand()] + (try freshMachines()) }

  // MARK: The first command

  private func firstCommand() throws -> Row {
    var files = CommandRows.fixture
    files["tests/first.lua"] = """
      local idle = provium.fixture("ready")
      for i = 1, \(rounds * 3) do
        idle:exec("sleep 1")
        local vm = provium.fixture("ready")
        test("first " .. i, function() vm:exec("true") end)
        for j = 1, 4 do test("later " .. i .. j, function() vm:exec("true") end) end
        vm:kill()
      end
      """
    let tests = try commands.durations("first", files, settings: "spares = 2\n").tests
    var first = Sample(), later = Sample()
    for (name, duration) in tests {
      if name.hasPrefix("first") { first.add(duration) } else { later.add(duration) }
    }
    return Row(
      name: "first `vm:exec(\"true\")` of a VM that was warm",
      figure: text(seconds: first.median),
      baseline: "\(text(seconds: later.median)) later ones",
      value: first.median / later.median,
      unit: "×",
      promise: .atMost(2)
    )
  }

  // MARK: A fresh machine for each command

  private func freshMachines() throws -> [Row] {
    let bare = try BareMachine(host: host, folder: folder)
    let (memory, state) = ("\(folder)/fresh-memory", "\(folder)/fresh-state")
    try bare.save(try bare.bootChannel(program: bareProgram, backing: .sharedFile(memory)), to: state)
    let count = rounds > 3 ? 200 : 60
    func bareSeconds() throws -> Double {
      try Self.seconds(count / 2, atOnce: HostFacts.processors) {
        let channel = try bare.resume(memory: memory, state: state)
        try channel.runShell()
        channel.process.kill()
      }
    }
    var files = CommandRows.fixture
    files["tests/fresh.lua"] = """
      provium.fresh = true
      local vm = provium.fixture("ready")
      for i = 1, \(count) do test("fresh " .. i, function() assert_eq(0, vm:exec("true").exit_code) end) end
      """
    // Builds the fixture.
    _ = try commands.durations("fresh", files, ["--test", "fresh \(count)"])
    // Before and after, so that a machine that becomes slower or faster is so to both.
    let before = try bareSeconds()
    let all = try commands.durations("fresh", files).files["fresh.lua"] ?? .nan
    let theirs = (before + (try bareSeconds())) / 2
    let ours = all / Double(count)
    return [
      Row(
        name: "\(count) sub-tests with a fresh machine and one exec each",
        figure: "\(text(seconds: all)), \(text(seconds: ours)) each",
        baseline:
          "\(text(seconds: theirs)) a bare QEMU and a bare guest that runs a shell, \(HostFacts.processors) at once",
        value: ours / theirs,
        unit: "×",
        promise: .atMost(1.5)
      ),
      Row(
        name: "each of these sub-tests",
        figure: text(seconds: ours),
        baseline: "",
        value: ours,
        unit: " s",
        promise: .atMost(0.2)
      ),
    ]
  }

  /// The mean time of `count` jobs, some at once.
  private static func seconds(
    _ count: Int,
    atOnce: Int,
    _ job: @escaping @Sendable () throws -> Void
  ) throws -> Double {
    let failure = Monitor<(any Error)?>(nil)
    let left = Monitor(count)
    let begin = Deadline.now
    let threads = try (0..<atOnce).map { number in
      try DedicatedThread(name: "bare-\(number)") {
        while left.update({ left in
          left -= 1
          return left >= 0
        }) {
          do { try job() } catch {
            failure.update { $0 = error }
            return
          }
        }
      }
    }
    threads.forEach { $0.join() }
    if let error = failure.read({ $0 }) { throw error }
    return Double(Deadline.now - begin) / 1e9 / Double(count)
  }
}
