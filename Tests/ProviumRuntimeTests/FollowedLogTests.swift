import Glibc
import ProviumAgentClient
import ProviumBoot
import ProviumSystem
import Synchronization
import Testing

import ProviumVM

@testable import ProviumRuntime

@Suite(
  "The followed kernel log of a real guest",
  .enabled(if: getenv("PROVIUM_TEST_NO_VM") == nil, "PROVIUM_TEST_NO_VM is set"),
  .timeLimit(.minutes(15))
) struct FollowedLogTests {
  private final class Texts: Sendable {
    private let state = Mutex<(texts: [String], lost: UInt64, sequences: [UInt64])>(([], 0, []))
    func take(_ batch: KernelLogBatch) {
      state.withLock {
        $0.texts += batch.records.map { String(decoding: $0.text, as: UTF8.self) }
        $0.sequences += batch.records.map(\.sequence)
        $0.lost += batch.lost
      }
    }
    var texts: [String] { state.withLock { $0.texts } }
    var sequences: [UInt64] { state.withLock { $0.sequences } }
    var lost: UInt64 { state.withLock { $0.lost } }
  }

  @Test("the log of a guest is followed from the first boot message on, through a snapshot and a flood")
  func snapshot() throws {
    let run = try RunDirectory()
    defer { run.close() }
    let host = MachineHost.ofThisMachine(run)
    let limit = Deadline.after(.seconds(120))
    let folder = "\(run.path)/state"
    try Files.createDirectories(folder)
    var storage = VirtualMachine.Storage()
    storage.memory = .sharedFile("\(folder)/memory")
    let before = Texts()
    let machine = try VirtualMachine.boot(
      MachineConfiguration(memory: .mebibytes(256)),
      name: "logged",
      storage: storage,
      on: host,
      until: limit,
      kernelLog: { before.take($0) }
    )
    let one = "WARNING: CPU: 0 PID: 1 at one.c:1 f+0x0/0x1",
      two = "WARNING: CPU: 0 PID: 1 at two.c:1 f+0x0/0x1"
    _ = try machine.connection.exec(ByteString("echo '<4>\(one)' > /dev/kmsg"), until: limit)
    #expect(try machine.agent.syncKernelLog(until: limit))
    #expect(before.texts.first?.hasPrefix("Linux version") == true)
    // Not always the last one: the kernel says more at any time.
    #expect(before.texts.contains(one) && before.lost == 0)
    #expect(before.sequences == Array(0..<UInt64(before.sequences.count)))
    let snapshot = try machine.save(to: folder, host: host, until: limit)
    #expect(machine.reports.takeReports().kept.map(\.title) == [one])
    #expect(snapshot.kernelLogPosition == UInt64(before.sequences.count))

    let resumed = try VirtualMachine.resume(snapshot, on: host, until: limit)
    defer { resumed.kill() }
    _ = try resumed.connection.exec(ByteString("echo '<4>\(two)' > /dev/kmsg"), until: limit)
    resumed.catchUpWithReports(until: limit)
    #expect(resumed.reports.takeReports().kept.map(\.title) == [two])
    let after = Texts()
    try resumed.replayKernelLog(until: limit) { after.take($0) }
    #expect(try resumed.agent.syncKernelLog(until: limit))
    #expect(after.texts.contains(two) && after.texts.contains(one) && after.lost == 0)
    #expect(after.sequences == Array(0..<UInt64(after.sequences.count)))
    #expect(resumed.reports.takeReports().kept.isEmpty)

    // More than the kernel's buffer, as fast as the guest can: counted, and the guest answers meanwhile.
    let lines = 20_000
    let flood = "i=0; while [ $i -lt \(lines) ]; do echo '<6>flood' > /dev/kmsg; i=$((i+1)); done"
    let command = "echo on > /proc/sys/kernel/printk_devkmsg; \(flood)"
    _ = try resumed.connection.exec(ByteString(command), until: limit)
    #expect(try resumed.agent.syncKernelLog(until: limit))
    let seen = after.texts.count { $0 == "flood" }
    #expect(seen > 0 && UInt64(seen) + after.lost >= UInt64(lines))
  }
}
