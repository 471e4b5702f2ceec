import Glibc
import ProviumSystem
import Testing

@testable import ProviumAgentClient
@testable import ProviumRuntime

@Suite("The file of a kernel log") struct KernelLogFileTests {
  @Test("has a line for each record with its time, as dmesg prints it, and the number of lost records")
  func lines() throws {
    let folder = "/tmp/provium-kernel-log-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    defer { try? Files.removeTree(folder) }
    let file = try KernelLogFile(path: "\(folder)/sub/vm1-kernel.log")
    func record(_ text: String, _ microseconds: UInt64, truncated: Bool = false) -> KernelLogRecord {
      KernelLogRecord(
        sequence: 1,
        microseconds: microseconds,
        priority: 6,
        isFragment: false,
        isTruncated: truncated,
        text: Array(text.utf8)
      )
    }
    file.take(
      KernelLogBatch(records: [record("Linux version 6.1", 0), record("one\ntwo", 1_000_042)], lost: 0)
    )
    file.take(KernelLogBatch(records: [record("long", 123_456_789_012, truncated: true)], lost: 3))
    #expect(
      try Files.readText("\(folder)/sub/vm1-kernel.log") == """
        [    0.000000] Linux version 6.1
        [    1.000042] one
        two
        [provium: 3 records were overwritten before they were read]
        [123456.789012] long …

        """
    )
  }
}
