import Glibc
import ProviumAgentClient
import ProviumSystem
import ProviumVM

/// Kept failures and processes with live streams: the cost of keeping a VM of 512 MiB, the time until a copy answers, and what streams
/// and terminals carry.
struct FailureRows {
  let provium: String
  let host: MachineHost
  let folder: String
  let rounds: Int

  private func limit() -> Deadline { .after(.seconds(120)) }

  func rows() throws -> [Row] {
    try keepRows() + [openRow()] + streamRows()
  }

  // MARK: Keeping

  /// The same host, whose VMs stop when their guests panic, as with `--keep-failed`.
  private var keepingHost: MachineHost {
    MachineHost(
      cache: host.cache,
      accelerator: host.accelerator,
      channel: host.channel,
      run: host.run,
      keepsFailures: true
    )
  }

  private func boot(_ storage: VirtualMachine.Storage = .init()) throws -> VirtualMachine {
    let machine = try VirtualMachine.boot(
      MachineConfiguration(memory: .mebibytes(512)),
      name: "bench",
      storage: storage,
      on: keepingHost,
      until: limit()
    )
    _ = try machine.connection.exec("sleep 1", until: limit())
    return machine
  }

  private func keepRows() throws -> [Row] {
    let place = "\(folder)/base"
    try Files.createDirectories(place)
    var storage = VirtualMachine.Storage()
    storage.memory = .sharedFile("\(place)/memory")
    let base = try boot(storage).save(to: place, host: keepingHost, until: limit())
    let changes = "head -c 10485760 /dev/urandom > /changes"

    var first = Sample(), cold = Sample(), resumed = Sample(), panicked = Sample()
    var coldBytes: UInt64 = 0, resumedBytes: UInt64 = 0, panickedBytes: UInt64 = 0
    for _ in 0..<rounds {
      let machine = try boot()
      defer { machine.kill() }
      // The first save of a VM reads memory that no program has touched.
      coldBytes = try keep(machine, &first)
      coldBytes = try keep(machine, &cold)
      _ = try? machine.connection.exec("echo c > /proc/sysrq-trigger", until: limit())
      let end = limit()
      // The monitor's thread finds the panic; a benchmark may poll, outside of what it measures.
      while machine.causeOfDeath == nil, !end.isExpired { usleep(1000) }
      panickedBytes = try keep(machine, &panicked)

      let copy = try VirtualMachine.resume(base, on: keepingHost, until: limit())
      defer { copy.kill() }
      _ = try copy.connection.exec(ByteString(changes), until: limit())
      resumedBytes = try keep(copy, &resumed)
    }
    return [
      row(
        "keeping a VM that was booted",
        first,
        coldBytes,
        "the second time \(text(seconds: cold.median))",
        1
      ),
      row("keeping a resumed VM that has written 10 MiB", resumed, resumedBytes, "", 0.1),
      row("keeping a VM that has panicked", panicked, panickedBytes, "", 1),
    ]
  }

  private func row(_ name: String, _ sample: Sample, _ bytes: UInt64, _ baseline: String, _ most: Double)
    -> Row
  {
    Row(
      name: "\(name), 512 MiB",
      figure: "\(text(seconds: sample.median)), \(Quantity.text(bytes: bytes))",
      baseline: baseline,
      value: sample.median * 1000,
      unit: " ms",
      promise: .atMost(most * 1000)
    )
  }

  /// Keeps a VM as a failed test does.
  /// - Returns: the bytes on the disk, without files that others link.
  private func keep(_ machine: VirtualMachine, _ sample: inout Sample) throws -> UInt64 {
    let place = "\(folder)/kept"
    try Files.createDirectories(place)
    defer { try? Files.removeTree(place) }
    try sample.take { _ = try machine.keep(in: place, isPaused: false, until: limit()) }
    return try Files.list(place).filter { $0 != "base" }.reduce(0) { $0 + Files.blocks("\(place)/\($1)") }
  }

  // MARK: Opening

  /// `provium open` of a resumed VM, from the start of the command to its end after one command in the guest.
  private func openRow() throws -> Row {
    let project = "\(folder)/open"
    let files = [
      "provium.toml": "[provium]\ntests = [\"tests\"]\ncache = \"\(host.cache)\"\n",
      "tests/fixtures/failures.lua": "provium.create():boot{memory = \"512M\"}:exec(\"true\")\n",
      "tests/a.lua":
        "provium.fixture(\"failures\"):exec(\"head -c 10485760 /dev/urandom > /x\"); error(\"wrong\")\n",
    ]
    for (path, contents) in files {
      try Files.createDirectories(Files.parent(of: "\(project)/\(path)"))
      try Files.write(Array(contents.utf8), to: "\(project)/\(path)")
    }
    let run = try run(["test", "--keep-failed"], in: project, allowFailure: true)
    guard let mark = run.outputText.firstRange(of: "provium open ") else {
      throw SystemError("keep a VM for", run.outputText, Errno(EIO))
    }
    let id = String(run.outputText[mark.upperBound...].prefix(8))
    defer { _ = try? self.run(["open", id, "--remove"], in: project) }
    var sample = Sample()
    for _ in 0..<rounds {
      try sample.take { _ = try self.run(["open", id, "--run", "true"], in: project) }
    }
    return Row(
      name: "`provium open ID --run true`, 512 MiB",
      figure: text(seconds: sample.median),
      baseline: "",
      value: sample.median * 1000,
      unit: " ms",
      promise: .atMost(1000)
    )
  }

  private func run(_ arguments: [String], in project: String, allowFailure: Bool = false) throws -> ToolRun {
    try ToolRun.run(
      provium,
      arguments,
      directory: project,
      allowFailure: allowFailure,
      deadline: .after(.seconds(300))
    )
  }

  // MARK: Streams

  private func streamRows() throws -> [Row] {
    let machine = try boot()
    defer { machine.kill() }
    let connection = machine.connection
    let size = 64 << 20
    let made = try connection.exec(ByteString("head -c \(size) /dev/urandom > /large"), until: limit())
    guard made.status == .exited(0) else { throw SystemError("make", "/large", Errno(EIO)) }
    var file = Sample(), stream = Sample()
    for _ in 0..<rounds {
      var count = 0
      try file.take { try connection.readFile("/large", until: limit()) { count += $0.count } }
      try stream.take { count += try read("cat /large", of: connection) }
      guard count == 2 * size else { throw SystemError("read", "/large", Errno(EIO)) }
    }
    let echo = try echoes(connection)
    return [
      Row(
        name: "output of 64 MiB of a process with live streams",
        figure: "\(number(64 / stream.median)) MiB/s",
        baseline: "\(number(64 / file.median)) MiB/s `read_file`",
        value: 100 * file.median / stream.median,
        unit: " %",
        promise: .atLeast(70)
      ),
      Row(
        name: "a keystroke in a terminal to its echo, median",
        figure: text(seconds: echo.median),
        baseline: "",
        value: echo.median * 1000,
        unit: " ms",
        promise: .atMost(5)
      ),
    ]
  }

  /// Runs a command as `provium run` does.
  /// - Returns: the bytes of its output.
  private func read(_ command: ByteString, of connection: AgentConnection) throws -> Int {
    let job = try connection.startProcess(command, until: limit())
    defer { try? connection.endProcess(job.id, until: limit()) }
    var count = 0
    while true {
      let before = count
      let state = try connection.readProcess(job.id, follow: true, wait: .seconds(60), until: limit()) {
        bytes,
        _ in
        count += bytes.count
      }
      // The pipe may still hold output of a process that has ended.
      if state.status != nil, !state.isOutputOpen, count == before { return count }
    }
  }

  /// Types into a terminal, whose kernel echoes each character.
  private func echoes(_ connection: AgentConnection) throws -> Sample {
    let job = try connection.startProcess(
      "cat > /dev/null",
      terminal: try TerminalSize(columns: 80, rows: 24),
      until: limit()
    )
    defer { try? connection.endProcess(job.id, until: limit()) }
    var sample = Sample()
    for _ in 0..<rounds * 20 {
      try sample.take {
        let sent = try [UInt8(ascii: "x")].withUnsafeBytes {
          try connection.writeProcess(job.id, $0, wait: .seconds(5), until: limit())
        }
        var count = 0
        while count < sent {
          _ = try connection.readProcess(job.id, wait: .seconds(5), until: limit()) { bytes, _ in
            count += bytes.count
          }
        }
      }
    }
    return sample
  }
}
