import ProviumArchitecture
import Glibc
import ProviumSystem
import Testing

@testable import ProviumAgentClient

/// Figures, not verdicts: printed where PROVIUM_MEASURE is set.
@Suite("The channel's rate", .enabled(if: getenv("PROVIUM_MEASURE") != nil), .serialized) struct RateTests {
  private func median(_ count: Int, _ body: () throws -> Void) rethrows -> Double {
    var times: [UInt64] = []
    for _ in 0..<count {
      let begin = Deadline.now
      try body()
      times.append(Deadline.now - begin)
    }
    return Double(times.sorted()[count / 2]) / 1000
  }

  @Test(
    "of small requests and of large files, through a real agent on this host",
    arguments: LinkKind.allCases
  )
  func rates(_ kind: LinkKind) throws {
    let guest = try RealAgent(kind), session = guest.session
    let worker = try guest.agent.spawnWorker(.fork, until: .soon)
    let call = SystemCall(number: try #require(SyscallName.number("getpid", .x86_64)))
    print("\(kind): getpid, main: \(try median(2000) { _ = try session.syscall(call, until: .soon) }) us")
    print(
      "\(kind): getpid, worker: \(try median(2000) { _ = try worker.session.syscall(call, until: .soon) }) us"
    )
    print("\(kind): exec true: \(try median(50) { _ = try session.exec("true", until: .soon) }) us")
    let data = [UInt8].pattern(16 << 20)
    // /dev/shm: the file system is not what is measured.
    let path = ByteString("/dev/shm/provium-rate.\(getpid())")
    defer { unlink(path.description) }
    let write = try median(9) { try session.writeFile(path, data, until: .soon) }
    print("\(kind): write 16 MiB: \(16e6 / write) MiB/s")
    let read = try median(9) { _ = try session.readFile(path, until: .soon) }
    print("\(kind): read 16 MiB: \(16e6 / read) MiB/s")
    let workerRead = try median(9) { _ = try worker.session.readFile(path, until: .soon) }
    print("\(kind): read 16 MiB, worker: \(16e6 / workerRead) MiB/s")
    let connect = try median(3) { _ = try RealAgent(kind) }
    print("\(kind): start the agent's process, connect, and end it: \(connect / 1000) ms")
  }

  @Test("of bare bytes through a socket pair to another process") func bare() throws {
    let pair = try Descriptor.socketPair()
    let child = try ChildProcess(
      executable: "/bin/sh",
      arguments: ["-c", "exec cat > /dev/null"],
      descriptors: [0: pair.theirs.raw]
    )
    let data = [UInt8].pattern(16 << 20)
    let time = median(9) {
      var sent = 0
      while sent < data.count {
        sent += max(
          0,
          data.withUnsafeBytes { Glibc.write(pair.ours.raw, $0.baseAddress.map { $0 + sent }, 262_144) }
        )
      }
    }
    print("bare: write 16 MiB: \(16e6 / time) MiB/s")
    child.terminate()
  }
}
