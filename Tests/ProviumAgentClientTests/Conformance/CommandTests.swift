import ProviumArchitecture
import ProviumSystem
import Testing

@testable import ProviumAgentClient

@Suite("A real agent", .timeLimit(.minutes(2))) struct CommandTests {
  @Test("gives output, errors and exit code apart", arguments: LinkKind.allCases) func exec(_ kind: LinkKind)
    throws
  {
    let guest = try RealAgent(kind)
    let result = try guest.session.exec("echo out; echo err >&2; exit 3", until: .soon)
    #expect(result.stdout.text == "out\n" && result.stderr.text == "err\n")
    #expect(result.exitCode == 3 && result.signal == nil && !result.isSuccess && result.outputHeldBy == nil)
  }

  @Test("reports the signal that killed a command", arguments: LinkKind.allCases) func signal(
    _ kind: LinkKind
  ) throws {
    let guest = try RealAgent(kind)
    let result = try guest.session.exec("kill -SEGV $$", until: .soon)
    #expect(result.signal == 11 && result.exitCode == 139)
  }

  @Test("runs a command with environment, directory and input", arguments: LinkKind.allCases)
  func options(_ kind: LinkKind) throws {
    let guest = try RealAgent(kind)
    let options = ExecOptions(
      environment: [("GREETING", "hello")],
      directory: "/tmp",
      stdin: .text("line\0two")
    )
    let result = try guest.session.exec("echo \"$GREETING from $(pwd)\"; cat", options, until: .soon)
    #expect(result.stdout.text == "hello from /tmp\nline\0two")
    let bare = try guest.session.exec(
      "echo ${HOME-none}",
      ExecOptions(environment: [("A", "b")], clearEnvironment: true),
      until: .soon
    )
    #expect(bare.stdout.text == "none\n")
  }

  @Test("ends a command whose own time is up", arguments: LinkKind.allCases) func timeout(_ kind: LinkKind)
    throws
  {
    let guest = try RealAgent(kind)
    let result = try guest.session.exec(
      "echo begun; sleep 1000 & sleep 1000",
      ExecOptions(timeout: .milliseconds(150)),
      until: .soon
    )
    #expect(result.timedOut && !result.isSuccess && result.stdout.text == "begun\n")
  }

  @Test("passes megabytes of output and of input", arguments: LinkKind.allCases) func large(_ kind: LinkKind)
    throws
  {
    let guest = try RealAgent(kind)
    let input = [UInt8].pattern(5 << 20)
    let result = try guest.session.exec("cat", ExecOptions(stdin: input), until: .soon)
    #expect(result.stdout == input)
  }

  @Test("ends a command that prints more than is accepted, and goes on", arguments: LinkKind.allCases)
  func tooMuch(_ kind: LinkKind) throws {
    let guest = try RealAgent(kind)
    let error = #expect(throws: GuestError.self) {
      try guest.session.exec("yes", ExecOptions(outputLimit: 100_000), until: .soon)
    }
    guard case .tooLarge = error else { throw error ?? GuestError.lost(.main, "no error") }
    #expect(try guest.session.exec("echo fine", until: .soon).stdout.text == "fine\n")
  }

  @Test("ends an operation whose deadline passes, and goes on", arguments: LinkKind.allCases)
  func deadline(_ kind: LinkKind) throws {
    let guest = try RealAgent(kind)
    let error = #expect(throws: GuestError.self) {
      try guest.session.exec("sleep 1000", until: .after(.milliseconds(200)))
    }
    guard case .timedOut = error else { throw error ?? GuestError.lost(.main, "no error") }
    #expect(try guest.session.exec("echo fine", until: .soon).stdout.text == "fine\n")
  }

  @Test("refuses what is no directory, with the errno", arguments: LinkKind.allCases)
  func refused(_ kind: LinkKind) throws {
    let guest = try RealAgent(kind)
    let error = #expect(throws: GuestError.self) {
      try guest.session.exec("true", ExecOptions(directory: "/no/such"), until: .soon)
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
    let job = try guest.session.background("echo first; read line < fifo; echo last; exit 5", until: .soon)
    #expect(try guest.session.exec("mkfifo fifo 2>/dev/null; true", until: .soon).isSuccess)
    let killed = try guest.session.background("sleep 1000", until: .soon)
    let looked = try guest.session.collect(job: killed.id, until: .soon)
    #expect(looked.isRunning && looked.exitCode == -1)
    let end = try guest.session.collect(job: killed.id, kill: true, until: .soon)
    #expect(!end.isRunning && end.signal == 9)
    let long = try guest.session.background("head -c 10485760 /dev/zero; exit 5", until: .soon)
    let whole = try guest.session.collect(job: long.id, wait: .seconds(20), until: .soon)
    #expect(whole.exitCode == 5 && whole.stdout.count == 10 << 20)
    #expect(try guest.session.collect(job: long.id, until: .soon).exitCode == 5)
    let error = #expect(throws: GuestError.self) { try guest.session.collect(job: 4711, until: .soon) }
    #expect(error?.description.contains("4711") == true)
    _ = try? guest.session.collect(job: job.id, kill: true, until: .soon)
  }

  @Test(
    "says that a job's output was more than is kept, outside of that output",
    arguments: LinkKind.allCases
  )
  func truncatedJob(_ kind: LinkKind) throws {
    let guest = try RealAgent(kind)
    let job = try guest.session.background("head -c 67108865 /dev/zero; echo whole >&2", until: .soon)
    let result = try guest.session.collect(job: job.id, wait: .seconds(20), until: .soon)
    #expect(result.isTruncated && result.stdout.count == 64 << 20 && result.stdout.last == 0)
    #expect(result.exitCode == 0 && result.stderr.text == "whole\n")
  }

  @Test("makes no exit status up when a script has taken it", arguments: LinkKind.allCases)
  func takenStatus(_ kind: LinkKind) throws {
    let guest = try RealAgent(kind)
    let ignore = little(UInt64(1)) + [UInt8](repeating: 0, count: 24)
    let call = SystemCall(
      number: try #require(SyscallName.number("rt_sigaction", guest.session.architecture)),
      arguments: [17, 0, 0, 8],
      buffers: [CallBuffer(argument: 1, bytes: ignore)]
    )
    #expect(try guest.session.syscall(call, until: .soon).result == 0)
    let error = #expect(throws: GuestError.self) { try guest.session.exec("exit 3", until: .soon) }
    #expect(error?.description.contains("exit status was taken by a wait of the script's own") == true)
    let job = try guest.session.background("exit 3", until: .soon)
    #expect(try guest.session.collect(job: job.id, wait: .seconds(20), until: .soon).exitCode == 3)
  }

  @Test("tells what was done last, in the manner of strace", arguments: LinkKind.allCases)
  func trace(_ kind: LinkKind) throws {
    let guest = try RealAgent(kind)
    _ = try guest.session.exec("true", until: .soon)
    _ = try guest.session.call(
      "openat",
      -100,
      0,
      0,
      buffers: [CallBuffer(argument: 1, bytes: .text("/nope\0"))]
    )
    _ = try? guest.session.readFile("/nope", until: .soon)
    let lines = guest.agent.operations.records.map { $0.description.split(separator: " <")[0] }
    #expect(
      lines == [
        "exec(\"true\") = exit 0", "openat(AT_FDCWD, \"/nope\", 0) = -ENOENT",
        "read_file(\"/nope\") = ENOENT",
      ]
    )
  }
}
