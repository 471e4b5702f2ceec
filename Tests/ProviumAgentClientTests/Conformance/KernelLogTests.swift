import Glibc
import ProviumSystem
import Synchronization
import Testing

@testable import ProviumAgentClient

@Suite("The kernel log of a guest", .timeLimit(.minutes(15))) struct KernelLogTests {
  /// A socket in place of `/dev/kmsg`: each packet is a record.
  private final class FakeLog: Sendable {
    let ours: Int32
    let theirs: Int32

    init() throws {
      var ends: [Int32] = [-1, -1]
      let type = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
      try #require(socketpair(AF_UNIX, type, 0, &ends) == 0)
      (ours, theirs) = (ends[0], ends[1])
      _ = fcntl(theirs, F_SETFL, O_NONBLOCK)
    }

    deinit {
      close(ours)
      close(theirs)
    }

    func log(_ sequence: Int, _ text: String, priority: Int = 6) {
      let line = "\(priority),\(sequence),\(sequence * 10),-;\(text)\n"
      _ = line.withCString { send(ours, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
    }
  }

  private final class Received: Sendable {
    private let state = Mutex<(records: [KernelLogRecord], lost: UInt64)>(([], 0))
    func take(_ batch: KernelLogBatch) {
      state.withLock {
        $0.records += batch.records
        $0.lost += batch.lost
      }
    }
    var records: [KernelLogRecord] { state.withLock { $0.records } }
    var lost: UInt64 { state.withLock { $0.lost } }
  }

  @Test("the records of a guest's kernel log arrive in order, and a barrier waits for those so far")
  func records() throws {
    let fake = try FakeLog()
    let guest = try RealAgent(.serial, kernelLog: fake.theirs)
    let received = Received()
    fake.log(1, "Linux version", priority: 5)
    try guest.agent.followKernelLog(from: .oldest, until: .soon) { received.take($0) }
    #expect(try guest.agent.syncKernelLog(until: .soon))
    #expect(received.records.map(\.text.text) == ["Linux version"])
    let first = try #require(received.records.first)
    #expect(first.level == 5 && first.microseconds == 10 && first.isKernel)
    fake.log(2, "two")
    fake.log(5, "five", priority: 12)
    #expect(try guest.agent.syncKernelLog(until: .soon))
    #expect(received.records.map(\.sequence) == [1, 2, 5] && received.lost == 2)
    #expect(received.records.last?.isKernel == false)
    #expect(try guest.connection.echo([1], until: .soon) == [1])
  }

  @Test("a guest that floods its kernel log blocks neither its operations nor the host")
  func flood() throws {
    let fake = try FakeLog()
    let guest = try RealAgent(.serial, kernelLog: fake.theirs)
    let received = Received()
    try guest.agent.followKernelLog(from: .oldest, until: .soon) { received.take($0) }
    let count = 20_000
    let flooding = try onThread("flood") {
      for sequence in 1...count { fake.log(sequence, String(repeating: "x", count: 100)) }
    }
    for _ in 0..<200 { #expect(try guest.connection.echo([1], until: .soon) == [1]) }
    flooding.join()
    #expect(try guest.agent.syncKernelLog(until: .soon))
    #expect(received.records.count == count && received.lost == 0)
  }

  @Test("a guest without a kernel log refuses to have it followed") func missing() throws {
    let guest = try RealAgent(.serial)
    #expect(throws: GuestError.self) {
      try guest.agent.followKernelLog(from: .oldest, until: .soon) { _ in }
    }
    #expect(try guest.connection.echo([1], until: .soon) == [1])
  }

  @Test("records that are cut short are a violation of the protocol") func malformed() {
    let record = little(UInt64(7)) + little(UInt64(9)) + little(UInt16(6)) + [3] + little(UInt16(2))
    let whole = little(UInt64(1)) + little(UInt32(4)) + record + [65, 66]
    let reply = try? whole.withUnsafeBytes { try LogRecordsReply($0) }
    #expect(reply?.token == 4 && reply?.batch.lost == 1)
    #expect(
      reply?.batch.records == [
        KernelLogRecord(
          sequence: 7,
          microseconds: 9,
          priority: 6,
          isFragment: true,
          isTruncated: true,
          text: [65, 66]
        )
      ]
    )
    for length in 0..<whole.count where length != 12 {
      #expect(throws: MalformedPayload.self) {
        try [UInt8](whole.prefix(length)).withUnsafeBytes { try LogRecordsReply($0) }
      }
    }
  }
}
