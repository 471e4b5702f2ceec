import Glibc
import ProviumAgentClient
import ProviumBoot
import ProviumVM
import ProviumSystem

/// Save and resume, at the level of machines.
struct SnapshotRows {
  let host: MachineHost
  let bareProgram: String
  let folder: String
  let rounds: Int
  let coldBoot: Double

  private func limit() -> Deadline { .after(.seconds(60)) }

  /// A VM that was saved in its own folder.
  private func make(_ name: String, memory: UInt64) throws -> (Snapshot, save: Double) {
    let place = "\(folder)/\(name)"
    try Files.createDirectories(place)
    var storage = VirtualMachine.Storage()
    storage.memory = .sharedFile("\(place)/memory")
    let machine = try VirtualMachine.boot(
      MachineConfiguration(memory: MemorySize(bytes: memory)),
      name: name,
      storage: storage,
      on: host,
      until: limit()
    )
    // At rest, as a fixture's script leaves it: what still boots would boot on after each resume.
    _ = try machine.connection.exec("sleep 1", until: limit())
    let begin = Deadline.now
    let snapshot = try machine.save(to: place, host: host, until: limit())
    return (snapshot, Double(Deadline.now - begin) / 1e9)
  }

  private func answer(_ snapshot: Snapshot) throws -> VirtualMachine {
    let machine = try VirtualMachine.resume(snapshot, on: host, until: limit())
    _ = try machine.connection.syscall(SystemCall(number: 39), until: limit())
    return machine
  }

  func rows() throws -> [Row] {
    let small = try make("small", memory: 256 << 20)
    let middle = try make("middle", memory: 512 << 20)
    let large = try make("large", memory: 2 << 30)
    let bare = try BareMachine(host: host, folder: folder)
    let (memory, state) = ("\(folder)/bare-memory", "\(folder)/bare-state")
    let channel = try bare.bootChannel(program: bareProgram, backing: .sharedFile(memory))
    try bare.save(channel, to: state)

    var ours = Sample(), theirs = Sample(), at256 = Sample(), at2048 = Sample()
    for _ in 0..<rounds * 3 {
      var kept: [VirtualMachine] = []
      var keptBare: BareChannel?
      try theirs.take { keptBare = try bare.resume(memory: memory, state: state) }
      try ours.take { kept.append(try answer(middle.0)) }
      try at256.take { kept.append(try answer(small.0)) }
      try at2048.take { kept.append(try answer(large.0)) }
      kept.forEach { $0.kill() }
      keptBare?.process.kill()
    }
    return [
      Row(
        name: "resume to the answer of `vm:syscall(39)`, against a bare resume",
        figure: text(seconds: ours.median),
        baseline: "\(text(seconds: theirs.median)) bare QEMU and a bare guest to its first answer",
        value: ours.median / theirs.median,
        unit: "×",
        promise: .atMost(1.25)
      ),
      Row(
        name: "resume with 2 GiB of memory against 256 MiB",
        figure: text(seconds: at2048.median),
        baseline: text(seconds: at256.median),
        value: abs(at2048.median / at256.median - 1) * 100,
        unit: " %",
        promise: .atMost(20)
      ),
      Row(
        name: "saving a machine of 512 MiB",
        figure: text(seconds: middle.save),
        baseline: "\(text(seconds: coldBoot)) cold boot",
        value: middle.save / coldBoot * 100,
        unit: " %",
        promise: .atMost(2)
      ),
    ] + (try [warmVMs(small.0, large.0), copy(large.0)]) + (try crowd(middle.0))
  }

  /// A machine that was resumed, asked, warmed and stopped, as warm VMs are, to its first answer.
  private func warmVMs(_ small: Snapshot, _ large: Snapshot) throws -> Row {
    var at256 = Sample(), at2048 = Sample()
    func take(_ snapshot: Snapshot, _ sample: inout Sample) throws {
      let warm = try VirtualMachine.resume(snapshot, on: host, until: limit())
      defer { warm.kill() }
      _ = try warm.connection.exec("true", until: limit())
      try warm.pause(until: limit())
      try sample.take {
        try warm.proceed(until: limit())
        try warm.wakeUp(until: limit())
        _ = try warm.connection.syscall(SystemCall(number: 39), until: limit())
      }
    }
    for _ in 0..<rounds * 3 {
      try take(small, &at256)
      try take(large, &at2048)
    }
    return Row(
      name: "with a warm VM: 2 GiB of memory against 256 MiB",
      figure: text(seconds: at2048.median),
      baseline: text(seconds: at256.median),
      value: abs(at2048.median / at256.median - 1) * 100,
      unit: " %",
      promise: .atMost(20)
    )
  }

  /// The memory that a fixture which starts from another one copies.
  private func copy(_ snapshot: Snapshot) throws -> Row {
    let target = "\(folder)/copy"
    defer { try? Files.removeTree(target) }
    try Files.copySparse(snapshot.memoryPath, to: target)
    let copied = Double(Files.blocks(target)), used = Double(try nonZero(snapshot.memoryPath))
    return Row(
      name: "a nested fixture's copy of 2 GiB of memory",
      figure: "\(number(copied / 1_048_576)) MiB on the disk",
      baseline: "\(number(used / 1_048_576)) MiB of it are not zero",
      value: copied / used,
      unit: "×",
      promise: .atMost(1.1)
    )
  }

  /// Bytes in pages that hold anything.
  private func nonZero(_ path: String) throws -> UInt64 {
    let file = try Descriptor.open(path, O_RDONLY)
    var (total, page): (UInt64, [UInt8]) = (0, [UInt8](repeating: 0, count: 4096))
    while true {
      let count = page.withUnsafeMutableBytes { read(file.raw, $0.baseAddress, $0.count) }
      guard count > 0 else { return total }
      if page.prefix(count).contains(where: { $0 != 0 }) { total += UInt64(count) }
    }
  }

  private func crowd(_ snapshot: Snapshot) throws -> [Row] {
    var one = Sample()
    for _ in 0..<5 {
      var machine: VirtualMachine?
      try one.take { machine = try answer(snapshot) }
      machine?.kill()
    }
    let single = try answer(snapshot)
    sleep(1)
    let memory = privateMemory(of: single)
    single.kill()
    var eight = Sample()
    for _ in 0..<3 {
      let made = Monitor<[VirtualMachine]>([])
      try eight.take {
        let threads = try (0..<8).map { number in
          try DedicatedThread(name: "resume-\(number)") {
            if let machine = try? answer(snapshot) { made.update { $0.append(machine) } }
          }
        }
        threads.forEach { $0.join() }
      }
      let machines = made.read { $0 }
      guard machines.count == 8 else {
        throw BareMachine.Failure(description: "only \(machines.count) of 8 resumed")
      }
      machines.forEach { $0.kill() }
    }
    return [
      Row(
        name: "private memory of one more resumed, idle machine",
        figure: "\(number(memory / 1048576)) MiB",
        baseline: "",
        value: memory / 1048576,
        unit: " MiB",
        promise: .atMost(30)
      ),
      Row(
        name: "8 machines resumed at once",
        figure: text(seconds: eight.median),
        baseline: "\(text(seconds: one.median)) for one",
        value: eight.median / one.median,
        unit: "×",
        promise: .atMost(5)
      ),
    ]
  }

  /// Bytes that belong to this QEMU alone, of its own or copied when they were written to: `Anonymous` of `smaps_rollup`.
  private func privateMemory(of machine: VirtualMachine) -> Double {
    let text = (try? Files.readText("/proc/\(machine.process.child.pid)/smaps_rollup")) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("Anonymous:") }
    let kilobytes = line?.split(separator: " ").dropFirst().first.flatMap { Double($0) } ?? .nan
    return kilobytes * 1024
  }
}
