import Glibc
import ProviumAgentClient
import ProviumBoot
import ProviumVM
import ProviumSystem

/// Boot and channel: Provium's machine and a bare one, turn by turn, so that a noisy host is noisy to both.
struct MachineRows {
  let host: MachineHost
  let bareProgram: String
  let folder: String
  let rounds: Int

  private func limit() -> Deadline { .after(.seconds(60)) }

  private func boot() throws -> VirtualMachine {
    try VirtualMachine.boot(
      MachineConfiguration(),
      name: "bench",
      on: host,
      until: limit()
    )
  }

  /// The time of one boot to its first answer, in seconds.
  func coldBoot() throws -> Double {
    var sample = Sample()
    try sample.take {
      let machine = try boot()
      defer { machine.kill() }
      _ = try machine.connection.syscall(SystemCall(number: 39), until: limit())
    }
    return sample.median
  }

  /// - Returns: the row, and the median of a boot to its first system call in seconds.
  func boots() throws -> (row: Row, coldBoot: Double) {
    let machine = try boot()
    defer { machine.kill() }
    let bare = try BareMachine(host: host, image: machine.image, folder: folder)
    var ours = Sample(), toSyscall = Sample(), theirs = Sample()
    for _ in 0..<rounds {
      try theirs.take { try bare.bootToLine() }
      var second: VirtualMachine?
      defer { second?.kill() }
      try ours.take {
        second = try boot()
        _ = try second?.connection.exec("true", until: limit())
      }
      second?.kill()
      try toSyscall.take {
        second = try boot()
        _ = try second?.connection.syscall(SystemCall(number: 39), until: limit())
      }
    }
    let row = Row(
      name: "cold boot of the default profile to the first `vm:exec` result",
      figure: text(seconds: ours.median),
      baseline:
        "\(text(seconds: theirs.median)) the same kernel and QEMU options to the line of a two-line init",
      value: ours.median / theirs.median,
      unit: "×",
      promise: .atMost(1.2)
    )
    return (row, toSyscall.median)
  }

  /// The throughput of the channel: takes seconds, for work on the channel.
  func channelRows() throws -> [Row] {
    let machine = try boot()
    defer { machine.kill() }
    return try channelRows(machine, try BareMachine(host: host, image: machine.image, folder: folder))
  }

  private func channelRows(_ machine: VirtualMachine, _ bare: BareMachine) throws -> [Row] {
    let channel = try bare.bootChannel(program: bareProgram)
    return try calls(machine, channel) + transfers(machine, channel) + [exec(machine), worker(machine)]
  }

  private func calls(_ machine: VirtualMachine, _ channel: BareChannel) throws -> [Row] {
    let size = 64
    var ours = Sample(), theirs = Sample()
    let payload = [UInt8](repeating: 7, count: size)
    for round in 0..<2200 {
      let echo = Sample.one { try? channel.echo(payload) }
      let call = try Sample.one { _ = try machine.connection.syscall(SystemCall(number: 39), until: limit()) }
      // The first ones translate the guest's code.
      if round >= 200 {
        theirs.add(echo)
        ours.add(call)
      }
    }
    let rate = Double(ours.values.count) / ours.values.reduce(0, +)
    return [
      Row(
        name: "`vm:syscall(39)` round trip, median",
        figure: text(seconds: ours.median),
        baseline:
          "\(text(seconds: theirs.median)) echo of \(size) bytes by a bare guest on the same kind of port",
        value: ours.median / theirs.median,
        unit: "×",
        promise: .atMost(1.3)
      ),
      Row(
        name: "system calls a second, one after the other",
        figure: "\(number(rate))/s",
        baseline: "\(number(Double(theirs.values.count) / theirs.values.reduce(0, +)))/s echoes",
        value: rate,
        unit: "/s",
        promise: .atLeast(1000)
      ),
    ]
  }

  private func transfers(_ machine: VirtualMachine, _ channel: BareChannel) throws -> [Row] {
    let size = 16 << 20
    let bytes = [UInt8](repeating: 0x5A, count: size)
    var write = Sample(), read = Sample(), put = Sample(), get = Sample(), putFile = Sample(),
      getFile = Sample()
    for _ in 0..<9 {
      try put.take { try channel.put(bytes) }
      try putFile.take { try channel.put(bytes, file: true) }
      try write.take { try machine.connection.writeFile("/tmp/big", bytes, until: limit()) }
      try get.take { try channel.get(size) }
      try getFile.take { try channel.get(size, file: true) }
      try read.take { _ = try machine.connection.readFile("/tmp/big", until: limit()) }
    }
    func row(_ name: String, _ ours: Sample, _ theirs: Sample, _ baseline: String) -> Row {
      Row(
        name: "`\(name)` of 16 MiB",
        figure: "\(number(16 / ours.median)) MiB/s",
        baseline: "\(number(16 / theirs.median)) MiB/s \(baseline)",
        value: theirs.median / ours.median * 100,
        unit: " %",
        promise: .atLeast(70)
      )
    }
    return [
      row("write_file", write, put, "through the bare channel, thrown away"),
      row("write_file", write, putFile, "through the bare channel into a file"),
      row("read_file", read, get, "through the bare channel, out of nothing"),
      row("read_file", read, getFile, "through the bare channel out of a file"),
    ]
  }

  private func exec(_ machine: VirtualMachine) throws -> Row {
    let count = 200
    // The time that the guest itself needs to fork and run a shell, measured by its own clock.
    let loop =
      "a=$(cut -d' ' -f1 /proc/uptime); i=0; while [ $i -lt \(count) ]; do /bin/sh -c true; i=$((i+1)); done; "
      + "b=$(cut -d' ' -f1 /proc/uptime); echo $a $b"
    _ = try machine.connection.exec(ByteString(loop), until: limit())
    let result = try machine.connection.exec(ByteString(loop), until: limit())
    let times = String(decoding: result.standardOutput.bytes, as: UTF8.self).split { " \n".contains($0) }
      .compactMap {
        Double($0)
      }
    let own = times.count == 2 ? (times[1] - times[0]) / Double(count) : .nan
    var ours = Sample()
    for _ in 0..<count { try ours.take { _ = try machine.connection.exec("true", until: limit()) } }
    return Row(
      name: "`vm:exec(\"true\")` round trip, median",
      figure: text(seconds: ours.median),
      baseline: "\(text(seconds: own)) for the guest itself to fork and run a shell",
      value: (ours.median - own) * 1000,
      unit: " ms more",
      promise: .atMost(3)
    )
  }

  private func worker(_ machine: VirtualMachine) throws -> Row {
    var sample = Sample()
    for round in 0..<20 {
      try sample.take {
        let worker = try machine.agent.spawnWorker(round % 2 == 1 ? .shared : .process, until: limit())
        _ = try worker.connection.syscall(SystemCall(number: 39), until: limit())
        try machine.agent.kill(worker, until: limit())
      }
    }
    return Row(
      name: "a worker spawned, answering and gone, median",
      figure: text(seconds: sample.median),
      baseline: "",
      value: sample.median * 1000,
      unit: " ms",
      promise: .atMost(50)
    )
  }
}

extension Sample {
  /// Seconds of one run.
  static func one(_ body: () throws -> Void) rethrows -> Double {
    let begin = Deadline.now
    try body()
    return Double(Deadline.now - begin) / 1e9
  }
}
