import ProviumArchitecture
import ProviumSystem
import Testing

@testable import ProviumAgentClient

@Suite("A real agent", .timeLimit(.minutes(15))) struct CommandTests {
  @Test("gives output, errors and exit code apart", arguments: LinkKind.allCases) func exec(_ kind: LinkKind)
    throws
  {
    let guest = try RealAgent(kind)
    let result = try guest.connection.exec("echo out; echo err >&2; exit 3", until: .soon)
    #expect(result.standardOutput.text == "out\n" && result.standardError.text == "err\n")
    #expect(result.status == .exited(3) && !result.isSuccess && result.outputHolder == nil)
  }

  @Test("reports the signal that killed a command", arguments: LinkKind.allCases) func signal(
    _ kind: LinkKind
  ) throws {
    let guest = try RealAgent(kind)
    let result = try guest.connection.exec("kill -SEGV $$", until: .soon)
    #expect(result.status == .signaled(.segmentationFault) && result.exitCode == 139)
  }

  @Test("runs a command with environment, directory and input", arguments: LinkKind.allCases)
  func options(_ kind: LinkKind) throws {
    let guest = try RealAgent(kind)
    let options = CommandOptions(
      environment: ["GREETING": "hello"],
      directory: "/tmp",
      standardInput: .text("line\0two")
    )
    let result = try guest.connection.exec("echo \"$GREETING from $(pwd)\"; cat", options, until: .soon)
    #expect(result.standardOutput.text == "hello from /tmp\nline\0two")
    var cleared = CommandOptions(environment: ["A": "b"])
    cleared.clearsEnvironment = true
    let bare = try guest.connection.exec("echo ${HOME-none}", cleared, until: .soon)
    #expect(bare.standardOutput.text == "none\n")
  }

  @Test("ends a command whose own time is up", arguments: LinkKind.allCases) func timeout(_ kind: LinkKind)
    throws
  {
    let guest = try RealAgent(kind)
    let result = try guest.connection.exec(
      "echo begun; sleep 1000 & sleep 1000",
      CommandOptions(timeout: .milliseconds(150)),
      until: .soon
    )
    #expect(result.timedOut && !result.isSuccess && result.standardOutput.text == "begun\n")
  }

  @Test("passes megabytes of output and of input", arguments: LinkKind.allCases) func large(_ kind: LinkKind)
    throws
  {
    let guest = try RealAgent(kind)
    let input = [UInt8].pattern(5 << 20)
    let result = try guest.connection.exec("cat", CommandOptions(standardInput: input), until: .soon)
    #expect(result.standardOutput.bytes == input)
  }

  @Test("ends a command that prints more than is accepted, and goes on", arguments: LinkKind.allCases)
  func tooMuch(_ kind: LinkKind) throws {
    let guest = try RealAgent(kind)
    var limited = CommandOptions()
    limited.outputLimit = 100_000
    let error = #expect(throws: GuestError.self) {
      try guest.connection.exec("yes", limited, until: .soon)
    }
    guard case .tooLarge = error else { throw error ?? GuestError.lost(.main, "no error") }
    #expect(try guest.connection.exec("echo fine", until: .soon).standardOutput.text == "fine\n")
  }

  @Test("ends an operation whose deadline passes, and goes on", arguments: LinkKind.allCases)
  func deadline(_ kind: LinkKind) throws {
    let guest = try RealAgent(kind)
    let error = #expect(throws: GuestError.self) {
      try guest.connection.exec("sleep 1000", until: .after(.milliseconds(200)))
    }
    guard case .timedOut = error else { throw error ?? GuestError.lost(.main, "no error") }
    #expect(try guest.connection.exec("echo fine", until: .soon).standardOutput.text == "fine\n")
  }

  @Test("refuses what is no directory, with the errno", arguments: LinkKind.allCases)
  func refused(_ kind: LinkKind) throws {
    let guest = try RealAgent(kind)
    let error = #expect(throws: GuestError.self) {
      try guest.connection.exec("true", CommandOptions(directory: "/no/such"), until: .soon)
    }
    guard case .refused(let errno, let message) = error else {
      throw error ?? GuestError.lost(.main, "no error")
    }
    #expect(errno.name == "ENOENT" && message.contains("/no/such"))
  }

  @Test("runs jobs while other things are done", arguments: LinkKind.allCases) func jobs(_ kind: LinkKind)
    throws
  {
    let guest = try RealAgent(kind)
    let job = try guest.connection.background("echo first; read line < fifo; echo last; exit 5", until: .soon)
    #expect(try guest.connection.exec("mkfifo fifo 2>/dev/null; true", until: .soon).isSuccess)
    let killed = try guest.connection.background("sleep 1000", until: .soon)
    let looked = try guest.connection.collect(job: killed.id, until: .soon)
    #expect(looked.isRunning && looked.status == nil)
    let end = try guest.connection.collect(job: killed.id, kill: true, until: .soon)
    #expect(end.status == .signaled(.kill))
    let long = try guest.connection.background("head -c 10485760 /dev/zero; exit 5", until: .soon)
    let whole = try guest.connection.collect(job: long.id, wait: .seconds(20), until: .soon)
    #expect(whole.status == .exited(5) && whole.standardOutput.bytes.count == 10 << 20)
    #expect(try guest.connection.collect(job: long.id, until: .soon).status == .exited(5))
    let error = #expect(throws: GuestError.self) { try guest.connection.collect(job: 4711, until: .soon) }
    #expect(error?.description.contains("4711") == true)
    _ = try? guest.connection.collect(job: job.id, kill: true, until: .soon)
  }

  @Test(
    "says that a job's output was more than is kept, outside of that output",
    arguments: LinkKind.allCases
  )
  func truncatedJob(_ kind: LinkKind) throws {
    let guest = try RealAgent(kind)
    let job = try guest.connection.background("head -c 67108865 /dev/zero; echo whole >&2", until: .soon)
    let result = try guest.connection.collect(job: job.id, wait: .seconds(20), until: .soon)
    #expect(
      result.isTruncated && result.standardOutput.bytes.count == 64 << 20
        && result.standardOutput.bytes.last == 0
    )
    #expect(result.status == .exited(0) && result.standardError.text == "whole\n")
  }

  @Test("makes no exit status up when a script has taken it", arguments: LinkKind.allCases)
  func takenStatus(_ kind: LinkKind) throws {
    let guest = try RealAgent(kind)
    let ignore = little(UInt64(1)) + [UInt8](repeating: 0, count: 24)
    let call = SystemCall(
      number: try #require(SyscallName.number("rt_sigaction", guest.connection.architecture)),
      arguments: [17, 0, 0, 8],
      buffers: [CallBuffer(argument: 1, bytes: ignore)]
    )
    #expect(try guest.connection.syscall(call, until: .soon).value == 0)
    let error = #expect(throws: GuestError.self) { try guest.connection.exec("exit 3", until: .soon) }
    #expect(error?.description.contains("exit status was taken by a wait of the script's own") == true)
    let job = try guest.connection.background("exit 3", until: .soon)
    #expect(try guest.connection.collect(job: job.id, wait: .seconds(20), until: .soon).status == .exited(3))
  }

  @Test("tells what was done last, in the manner of strace", arguments: LinkKind.allCases)
  func trace(_ kind: LinkKind) throws {
    let guest = try RealAgent(kind)
    _ = try guest.connection.exec("true", until: .soon)
    _ = try guest.connection.call(
      "openat",
      -100,
      0,
      0,
      buffers: [CallBuffer(argument: 1, bytes: .text("/nope\0"))]
    )
    _ = try? guest.connection.readFile("/nope", until: .soon)
    let lines = guest.agent.operations.records.map { $0.description.split(separator: " <")[0] }
    #expect(
      lines == [
        "exec(\"true\") = exit 0", "openat(AT_FDCWD, \"/nope\", 0) = -ENOENT",
        "read_file(\"/nope\") = ENOENT",
      ]
    )
  }
}
