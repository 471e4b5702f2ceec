import Glibc
import ProviumAgentClient
import ProviumKTAP
import ProviumSystem
import ProviumVM

/// Suites of programs: the reader of their output, and a VM for each program.
struct SuiteRows {
  let host: MachineHost
  let commands: CommandRows
  let folder: String
  let rounds: Int
  /// A folder of recorded outputs.
  static let recordings = "Tests/ProviumKTAPTests/Recorded"
  private static let programs = 100

  func rows() throws -> [Row] { try parserRows() + programRows() }

  // MARK: The parser

  private func parserRows() throws -> [Row] {
    let all = try Files.list(Self.recordings).sorted()
    return [
      try parserRow(
        "the KTAP parser on the log of a boot with KUnit",
        ["kunit-kasan-boot-console.txt"],
        least: 200
      ),
      try parserRow(
        "the KTAP parser on all \(all.count) recorded outputs, most of them short",
        all,
        least: 100
      ),
    ]
  }

  /// Reads the files again and again, each with a parser of its own, and counts the time that the thread ran.
  private func parserRow(_ name: String, _ files: [String], least: Double) throws -> Row {
    let contents = try files.map { try Files.read("\(Self.recordings)/\($0)") }
    var bytes = 0, results = 0
    let begin = Self.threadSeconds
    while bytes < 100_000_000 {
      for file in contents {
        var parser = KTAPParser()
        file.withUnsafeBytes { parser.read($0) { _ in results += 1 } }
        _ = parser.finish { _ in results += 1 }
        bytes += file.count
      }
    }
    let seconds = Self.threadSeconds - begin
    let rate = Double(bytes) / 1e6 / seconds
    return Row(
      name: name,
      figure: "\(number(rate)) MB/s",
      baseline: "\(number(Double(results) / seconds / 1000)) thousand results a second",
      value: rate,
      unit: " MB/s",
      promise: .atLeast(least)
    )
  }

  private static var threadSeconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  // MARK: A VM for each program

  private static let program = "#!/bin/sh\necho 1..1\necho ok 1 quick\n"

  private func programRows() throws -> [Row] {
    var files: [String: String] = [:]
    let names = (0..<Self.programs).map { "p\(1000 + $0).sh" }
    for name in names { files["tree/quick/\(name)"] = Self.program }
    files["tree/kselftest-list.txt"] = names.map { "quick:\($0)\n" }.joined()
    let options = ["--install", "tree"]
    // Makes the fixture.
    _ = try commands.durations("suite", files, command: "ksft", options + ["-p", "2"])
    let single = try commands.durations(
      "suite",
      files,
      settings: "spares = 0\n",
      command: "ksft",
      options + ["-p", "1"]
    )
    let bare = try resumedMachine()
    let double = try commands.durations("suite", files, command: "ksft", options + ["-p", "2"])
    var each = Sample()
    for duration in single.files.values { each.add(duration) }
    let ideal = single.files.values.reduce(0, +) / 2
    return [
      Row(
        name: "`provium ksft`: one program in a fresh VM, without warm VMs",
        figure: text(seconds: each.median),
        baseline: "\(text(seconds: bare)) a resumed VM of the same size and the program itself",
        value: each.median / bare,
        unit: "×",
        promise: .atMost(1.3)
      ),
      Row(
        name: "\(Self.programs) quick programs with `-p 2`",
        figure: text(seconds: double.wall),
        baseline:
          "\(text(seconds: ideal)) half the sum of their own times, one after the other and without warm VMs",
        value: double.wall / ideal,
        unit: "×",
        promise: .atMost(1.2)
      ),
    ]
  }

  /// Seconds from the resume of a VM to the end of the program in it, with the end of the VM.
  private func resumedMachine() throws -> Double {
    func limit() -> Deadline { .after(.seconds(60)) }
    let place = "\(folder)/suite-bare"
    try Files.createDirectories(place)
    var storage = VirtualMachine.Storage()
    storage.memory = .sharedFile("\(place)/memory")
    let machine = try VirtualMachine.boot(
      MachineConfiguration(memory: MemorySize(bytes: 1 << 30)),
      name: "suite-bare",
      storage: storage,
      on: host,
      until: limit()
    )
    try machine.connection.writeFile("/tmp/quick.sh", Array(Self.program.utf8), mode: 0o755, until: limit())
    _ = try machine.connection.exec("sleep 1; /tmp/quick.sh", until: limit())
    let snapshot = try machine.save(to: place, host: host, until: limit())
    var sample = Sample()
    for _ in 0..<rounds * 5 {
      try sample.take {
        let machine = try VirtualMachine.resume(snapshot, on: host, until: limit())
        _ = try machine.connection.exec("exec 2>&1; cd /tmp && exec ./quick.sh", until: limit())
        machine.kill()
      }
    }
    return sample.median
  }
}
