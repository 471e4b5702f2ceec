import Foundation
import ProviumSystem

/// The command line as its users run it: start-up, fixtures with and without warm VMs, many files.
struct CommandRows {
  let provium: String
  let folder: String
  let coldBoot: Double

  private func run(_ arguments: [String], in folder: String) throws {
    let run = try ToolRun.run(
      provium,
      arguments,
      directory: folder,
      allowFailure: true,
      deadline: .after(.seconds(900))
    )
    guard run.status.isSuccess else {
      throw BareMachine.Failure(
        description: "provium \(arguments) failed:\n\((run.outputText + run.errorText).suffix(1500))"
      )
    }
  }

  /// A project with these files; gives each sub-test's duration by name, and each file's.
  func durations(
    _ name: String,
    _ files: [String: String],
    settings: String = "",
    command: String = "test",
    _ arguments: [String] = []
  )
    throws -> (tests: [String: Double], files: [String: Double], wall: Double)
  {
    let project = "\(folder)/\(name)"
    for (path, contents) in files {
      try Files.createDirectories(Files.parent(of: "\(project)/\(path)"))
      try Files.write(
        Array(contents.utf8),
        to: "\(project)/\(path)",
        mode: contents.hasPrefix("#!") ? 0o755 : 0o644
      )
    }
    try Files.write(Array("[provium]\ntests = [\"tests\"]\n\(settings)".utf8), to: "\(project)/provium.toml")
    let begin = Deadline.now
    try run([command, "--json", "events.json"] + arguments, in: project)
    let wall = Double(Deadline.now - begin) / 1e9
    var tests: [String: Double] = [:], ended: [String: Double] = [:]
    for line in try Files.readText("\(project)/events.json").split(separator: "\n") {
      guard let event = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
        continue
      }
      guard let duration = event["duration"] as? Double else { continue }
      if event["event"] as? String == "subtest_ended", let path = event["path"] as? [String] {
        tests[path.joined(separator: "/")] = duration
      }
      if event["event"] as? String == "file_ended", let file = event["file"] as? String {
        ended[file] = duration
      }
    }
    return (tests, ended, wall)
  }

  /// The fixture `ready`.
  static let fixture = [
    "tests/fixtures/ready.lua":
      "local vm = provium.create()\nvm:boot({ memory = \"512M\" })\nvm:exec(\"true\")\n"
  ]

  func rows() throws -> [Row] {
    var rows = [try start()]
    let script = """
      local first = provium.fixture("ready")
      for i = 1, 12 do
        first:exec("sleep 1")
        local vm
        test("call " .. i, function() vm = provium.fixture("ready"); vm:syscall(39) end)
        vm:kill()
        first:exec("sleep 1")
        test("exec " .. i, function() vm = provium.fixture("ready"); vm:exec("true") end)
        vm:kill()
      end
      """
    var files = Self.fixture
    files["tests/resume.lua"] = script
    func median(_ all: [String: Double], _ prefix: String) -> Double {
      var sample = Sample()
      for (name, duration) in all where name.hasPrefix(prefix) { sample.add(duration) }
      return sample.median
    }
    let cold = try durations("cold", files, settings: "spares = 0\n").tests
    let warm = try durations("warm", files, settings: "spares = 2\n").tests
    func faster(_ name: String, _ seconds: Double, _ limit: Double) -> Row {
      Row(
        name: name,
        figure: text(seconds: seconds),
        baseline: "\(text(seconds: coldBoot)) cold boot to the same answer",
        value: coldBoot / seconds,
        unit: "× faster",
        promise: .atLeast(limit)
      )
    }
    rows += [
      faster("`provium.fixture` to `vm:syscall(39)`, no warm VM", median(cold, "call"), 20),
      faster("`provium.fixture` to `vm:syscall(39)`, a warm VM ready", median(warm, "call"), 150),
      faster("`provium.fixture` to `vm:exec(\"true\")`, a warm VM ready", median(warm, "exec"), 60),
    ]
    return rows + [try ends()] + (try manyFiles())
  }

  private func start() throws -> Row {
    var sample = Sample()
    for _ in 0..<30 { try sample.take { try run(["version"], in: folder) } }
    return Row(
      name: "`provium version`",
      figure: text(seconds: sample.median),
      baseline: "",
      value: sample.median * 1000,
      unit: " ms",
      promise: .atMost(50)
    )
  }

  /// The cost of a sub-test besides that of its function. Most of it is reading the guest's kernel log up to the end.
  private func ends() throws -> Row {
    var files = Self.fixture
    files["tests/ends.lua"] = """
      local vm = provium.fixture("ready")
      for i = 1, 20 do
        test("calls " .. i, function() for j = 1, 50 do vm:syscall(39) end end)
        test("ends " .. i, function() for j = 1, 50 do test("end " .. j, function() vm:syscall(39) end) end end)
      end
      """
    let tests = try durations("ends", files).tests
    var calls = Sample(), ends = Sample()
    for number in 1...20 {
      calls.add((tests["calls \(number)"] ?? .nan) / 50)
      ends.add((tests["ends \(number)"] ?? .nan) / 50)
    }
    return Row(
      name: "a sub-test of one `vm:syscall(39)`, against the call alone",
      figure: text(seconds: ends.median),
      baseline: text(seconds: calls.median),
      value: ends.median / calls.median,
      unit: "×",
      promise: .atMost(6)
    )
  }

  /// Sixty short files over one fixture with two at a time, and sixty that do nothing.
  private func manyFiles() throws -> [Row] {
    var files = Self.fixture
    for number in 10..<70 {
      files["tests/f\(number).lua"] = """
        local vm = provium.fixture("ready")
        test("a", function() assert_eq(0, vm:exec("i=0; while [ $i -lt 1000 ]; do i=$((i+1)); done").exit_code) end)
        test("b", function() vm:syscall(39) end)
        """
    }
    _ = try durations("many", files, ["-p", "2"])
    // Alone, a file finds no warm VM: no earlier file used its fixture.
    let single = try durations("many", files, settings: "spares = 0\n", ["-p", "1"])
    let double = try durations("many", files, ["-p", "2"])
    let ideal = single.files.values.reduce(0, +) / 2
    var empty: [String: String] = [:]
    for number in 100..<300 { empty["tests/e\(number).lua"] = "test(\"a\", function() end)\n" }
    let one = try durations("one", ["tests/e.lua": "test(\"a\", function() end)\n"], ["-p", "1"])
    let nothing = try durations("nothing", empty, ["-p", "1"])
    return [
      Row(
        name: "60 short fixture files with `-p 2`",
        figure: text(seconds: double.wall),
        baseline:
          "\(text(seconds: ideal)) half the sum of their own times, one after the other and without warm VMs",
        value: double.wall / ideal,
        unit: "×",
        promise: .atMost(1.15)
      ),
      Row(
        name: "the runner itself, per file (200 that do nothing)",
        figure: text(seconds: nothing.wall),
        baseline: "\(text(seconds: one.wall)) one file",
        value: (nothing.wall - one.wall) / 199 * 1000,
        unit: " ms",
        promise: .atMost(5)
      ),
    ]
  }
}
