import Synchronization
import Testing

@testable import ProviumTesting

/// Tests written in Swift, on the same engine as the Lua files of this target.
@Suite("Tests in Swift use VMs", .requires(.virtualMachines))
struct SwiftTests {
  // MARK: Scopes

  @Test(
    "the trait with a fixture gives each test case a VM of its own",
    .virtualMachine(fixture: "base"),
    arguments: 1...2
  )
  func isolation(number: Int) async throws {
    let vm = try VirtualMachine.current
    #expect(try await vm.exec("test -e /tmp/seen").exitCode == 1)
    try await vm.writeFile("/tmp/seen", [UInt8(number)])
    #expect(try await vm.readFile("/tmp/seen") == [UInt8(number)])
  }

  @Test(
    "the trait with a configuration boots a VM",
    .virtualMachine(.init(memory: .mebibytes(256), cpus: 2, append: "provium_test=1"))
  )
  func bootedByTrait() async throws {
    let vm = try VirtualMachine.current
    #expect(try await vm.readText("/sys/devices/system/cpu/online") == "0-1\n")
    #expect(try await vm.readText("/proc/cmdline").contains("provium_test=1"))
  }

  @Test("withVirtualMachine boots a VM, returns the value of its body, and ends the VM")
  func bootedByScope() async throws {
    let configuration = VirtualMachine.Configuration(
      memory: .mebibytes(256),
      files: [GuestFile("/etc/motd", "hi", mode: 0o600)]
    )
    let (vm, text) = try await withVirtualMachine(configuration) { vm in
      #expect(try VirtualMachine.current === vm)
      #expect(try await vm.exec("stat -c %a /etc/motd").standardOutput.text == "600\n")
      return (vm, try await vm.readText("/etc/motd"))
    }
    #expect(text == "hi")
    let error = await #expect(throws: ProviumError.self) { try await vm.exec("true") }
    #expect(error?.code == .invalidUse)
    #expect(error?.message.contains("the VM has ended") == true)
  }

  @Test("ktap records an issue for each failed result, and for an end that the results do not explain")
  func programResults() async throws {
    try await withVirtualMachine(fixture: "base") { vm in
      let good = try await vm.ktap("echo 1..2; echo 'ok 1 a'; echo 'ok 2 b # SKIP no device'")
      #expect(good.isSuccess)
      #expect(good.tests.map(\.outcome) == [.passed, .skipped(reason: "no device")])
      let skipped = try await vm.ktap("echo no device; exit 4")
      #expect(skipped.tests.map(\.outcome) == [.skipped(reason: "no device")])
      let found = Mutex<[String]>([])
      try await withKnownIssue {
        let bad = try await vm.ktap("printf '1..2\\nok 1 a\\n# b.c:3: wrong\\nnot ok 2 b\\n'; exit 1")
        #expect(bad.exitCode == 1 && !bad.isSuccess)
        try await vm.ktap("printf '1..3\\nok 1 a\\n'")
      } matching: { issue in
        found.withLock { $0 += issue.comments.map(\.rawValue) }
        return true
      }
      let messages = found.withLock { $0 }
      #expect(messages.count == 2)
      #expect(messages.first == "b: b.c:3: wrong")
      #expect(messages.last?.hasSuffix("3 results planned, 1 read, though the program exited with 0") == true)
    }
  }

  @Test("the innermost of nested scopes has the current VM", .virtualMachine(fixture: "base"))
  func nestedScopes() async throws {
    let outer = try VirtualMachine.current
    try await withVirtualMachine(fixture: "nested") { inner in
      try #expect(VirtualMachine.current === inner)
      try await #expect(inner.exec("true").isSuccess)
      try await #expect(outer.exec("true").isSuccess)
    }
    #expect(try VirtualMachine.current === outer)
  }

  @Test("tests that hold a VM and want a second one do not wait for each other", arguments: 1...6)
  func pairs(number: Int) async throws {
    try await withVirtualMachine(fixture: "base") { first in
      try await withVirtualMachine(fixture: "base") { second in
        try await #expect(first.exec("true").isSuccess)
        try await #expect(second.exec("true").isSuccess)
      }
    }
  }

  @Test("withVirtualMachine ends the VM and throws the error of its body") func errorOfTheBody() async throws
  {
    struct OwnError: Error {}
    var used: VirtualMachine?
    await #expect(throws: OwnError.self) {
      try await withVirtualMachine(fixture: "base") { vm in
        used = vm
        throw OwnError()
      }
    }
    let vm = try #require(used)
    await #expect(throws: ProviumError.self) { try await vm.exec("true") }
  }

  @MainActor @Test("the body of withVirtualMachine runs on the actor of its caller") func isolationOfTheBody()
    async throws
  {
    var count = 0
    try await withVirtualMachine(fixture: "base") { vm in
      MainActor.assertIsolated()
      count += try await vm.exec("true").isSuccess ? 1 : 0
      MainActor.assertIsolated()
    }
    #expect(count == 1)
  }

  @Test("a VM can be shut down or killed before the end of its scope") func earlyEnd() async throws {
    try await withVirtualMachine { vm in
      await vm.shutdown()
      await vm.shutdown()
      await vm.kill()
      await #expect(throws: ProviumError.self) { try await vm.exec("true") }
    }
  }

  // MARK: Operations

  @Test("a command gets an environment, a standard input and a time limit", .virtualMachine(fixture: "base"))
  func commands() async throws {
    let vm = try VirtualMachine.current
    let options = CommandOptions(environment: ["GREETING": "hello"], standardInput: Array("there".utf8))
    let result = try await vm.exec("echo $GREETING; cat", options)
    #expect(result.isSuccess)
    #expect(result.standardOutput.text == "hello\nthere")
    #expect("\(result)" == #"exit 0, standard output: "hello\nthere""#)
    let slow = try await vm.exec("sleep 60", CommandOptions(timeout: .milliseconds(200)))
    #expect(slow.timedOut)
    #expect(try await vm.exec("exit 3").status == .exited(3))
    #expect(try await vm.exec("kill -TERM $$").status == .signaled(.terminate))
  }

  @Test("a file that does not exist is refused by the guest", .virtualMachine(fixture: "base"))
  func refusedFile() async throws {
    let vm = try VirtualMachine.current
    let error = await #expect(throws: ProviumError.self) { try await vm.readFile("/nowhere") }
    #expect(error?.code == .refused)
    #expect(error?.message.contains("ENOENT") == true, "\(error?.message ?? "")")
  }

  @Test(
    "a system call by name returns the kernel's raw value, with the buffers",
    .virtualMachine(fixture: "base")
  )
  func rawSystemCalls() async throws {
    let vm = try VirtualMachine.current
    #expect(try await vm.syscall("getpid").value > 0)
    try await vm.writeFile("/tmp/data", "0123456789", mode: 0o600)
    let file = try await vm.syscall("openat", -100, "/tmp/data", 0)
    let read = try await vm.syscall("read", .value(file.value), .room(4), 4)
    #expect(read.value == 4)
    #expect(read.buffers == [Array("0123".utf8)])
    let missing = try await vm.syscall("openat", -100, "/nowhere", 0)
    #expect(missing.value == -2)
    #expect(missing.errno == .ENOENT)
    #expect(throws: Errno.ENOENT) { try missing.get() }
  }

  @Test("a system call by member throws the kernel's error", .virtualMachine(fixture: "base"))
  func throwingSystemCalls() async throws {
    let vm = try VirtualMachine.current
    let path = "/etc/passwd"
    let file = try await vm.syscall.openat(-100, .string(path), 0)
    #expect(file.value >= 0)
    try await vm.syscall.close(.value(file.value))
    await #expect(throws: Errno.EBADF) { try await vm.syscall.close(.value(file.value)) }
    do {
      try await vm.syscall.openat(-100, "/nowhere", 0)
      Issue.record("openat succeeded")
    } catch Errno.ENOENT {}
    let error = await #expect(throws: Errno.self) { try await vm.syscall.openat(-100, "/nowhere", 0) }
    #expect(error?.description == "openat(-100, \"/nowhere\", 0): ENOENT (No such file or directory)")
  }

  @Test("an ioctl returns its struct", .virtualMachine(fixture: "base")) func ioctl() async throws {
    let vm = try VirtualMachine.current
    let null = try await vm.syscall.openat(-100, "/dev/null", 0)
    let refused = try await vm.ioctl(Int32(null.value), 0x5401)
    #expect(refused.errno == .ENOTTY)
  }

  @Test(
    "a worker of each kind has its own credentials",
    .virtualMachine(fixture: "base"),
    arguments: WorkerKind.allCases
  )
  func workers(kind: WorkerKind) async throws {
    let vm = try VirtualMachine.current
    let worker = try await vm.spawn(kind)
    #expect(worker.kind == kind)
    try await worker.syscall.setresuid(1000, 1000, 1000)
    #expect(try await worker.syscall.getuid().value == 1000)
    await #expect(throws: Errno.EPERM) { try await worker.syscall.setuid(0) }
    #expect(try await vm.syscall.getuid().value == 0)
    try await worker.kill()
    try await worker.kill()
    let error = await #expect(throws: ProviumError.self) { try await worker.syscall("getuid") }
    #expect(error?.code == .invalidUse)
  }

  @Test("a function for a guest takes a VM and a worker", .virtualMachine(fixture: "base")) func guests()
    async throws
  {
    func user(of guest: Guest) async throws -> Int64 { try await guest.syscall.getuid().value }
    let vm = try VirtualMachine.current
    let worker = try await vm.spawn()
    try await worker.syscall.setuid(7)
    #expect(try await user(of: vm) == 0)
    #expect(try await user(of: worker) == 7)
  }

  @Test("a job is waited for while other operations are carried out", .virtualMachine(fixture: "base"))
  func jobs() async throws {
    let vm = try VirtualMachine.current
    let job = try await vm.background("until [ -e /tmp/go ]; do sleep 0.05; done; echo done; exit 3")
    #expect(try await job.poll().isRunning)
    let late = await #expect(throws: ProviumError.self) { try await job.wait(atMost: .milliseconds(300)) }
    #expect(late?.code == .timeout)
    async let end = job.wait()
    try await vm.writeFile("/tmp/go", "")
    #expect(try await end == .exited(3))
    #expect(try await job.poll().standardOutput.text == "done\n")
  }

  @Test("a job gets signals and can be killed", .virtualMachine(fixture: "base")) func signals() async throws
  {
    let vm = try VirtualMachine.current
    let job = try await vm.background("trap 'exit 9' USR1; echo ready; while :; do sleep 0.05; done")
    while try await job.poll().standardOutput.bytes.isEmpty {}
    try await job.send(.user1)
    #expect(try await job.wait() == .exited(9))
    await #expect(throws: Errno.ESRCH) { try await job.send(.user1) }
    let other = try await vm.background("sleep 600")
    #expect(try await other.kill() == .signaled(.kill))
    #expect(try await other.kill() == .signaled(.kill))
  }

  // MARK: Failures

  @Test("a kernel report is an issue of the test that ends the VM, recorded at the VM's scope")
  func kernelReport() async throws {
    let warning = "WARNING: CPU: 0 PID: 1 at swift.c:1"
    let line = #line + 2
    try await withKnownIssue {
      try await withVirtualMachine(fixture: "base") { vm in
        _ = try await vm.exec("echo '<4>\(warning)' > /dev/kmsg; sleep 0.2")
      }
    } matching: { issue in
      guard let error = issue.error as? ProviumError else { return false }
      return error.code == .kernelReport && error.message.contains(warning)
        && issue.sourceLocation?.line == line
    }
  }

  @Test("a panic is one issue: the error of the operation that the VM's end interrupted")
  func panic() async throws {
    let error = await #expect(throws: ProviumError.self) {
      try await withVirtualMachine(fixture: "base") { vm in
        try await vm.exec("echo 1 > /proc/sys/kernel/sysrq; echo c > /proc/sysrq-trigger")
      }
    }
    #expect(error?.code == .kernelReport)
    #expect(error?.message.contains("sysrq") == true, "\(error?.message ?? "")")
  }

  /// A mistake in a test, with what the error must say.
  struct Mistake: Sendable, CustomTestStringConvertible {
    let name: String
    let expected: String
    let code: ProviumError.Code
    let body: @Sendable () async throws -> Void
    var testDescription: String { name }
  }

  private static let mistakes = [
    Mistake(name: "unknown fixture", expected: "did you mean 'base'?", code: .invalidUse) {
      try await withVirtualMachine(fixture: "bsae") { _ in }
    },
    Mistake(
      name: "unknown profile",
      expected: "unknown profile 'defualt' (did you mean 'default'?)",
      code: .configuration
    ) {
      try await withVirtualMachine(.init(profile: "defualt")) { _ in }
    },
    Mistake(
      name: "too little memory",
      expected: "invalid VM configuration: memory must be at least 64M, in whole megabytes, got 5M",
      code: .invalidUse
    ) {
      try await withVirtualMachine(.init(memory: .mebibytes(5))) { _ in }
    },
    Mistake(name: "no processor", expected: "cpus must be an integer from 1 to 255, got 0", code: .invalidUse)
    {
      try await withVirtualMachine(.init(cpus: 0)) { _ in }
    },
    Mistake(
      name: "missing disk",
      expected: "disks[0] must be a disk image that exists, got",
      code: .invalidUse
    ) {
      try await withVirtualMachine(.init(disks: [.image("no-such.img")])) { _ in }
    },
    Mistake(name: "missing kernel", expected: "no-such-kernel does not exist", code: .configuration) {
      var configuration = VirtualMachine.Configuration()
      configuration.boot.kernel = "no-such-kernel"
      try await withVirtualMachine(configuration) { _ in }
    },
    Mistake(name: "no VM", expected: "add the trait .virtualMachine(fixture: \"…\")", code: .invalidUse) {
      _ = try VirtualMachine.current
    },
    Mistake(name: "unknown system call", expected: "did you mean 'openat'?", code: .invalidUse) {
      try await withVirtualMachine(fixture: "base") { vm in
        _ = try await vm.syscall.opneat(-100, "/", 0)
      }
    },
    Mistake(name: "seven arguments", expected: "a system call takes at most 6", code: .invalidUse) {
      try await withVirtualMachine(fixture: "base") { vm in
        _ = try await vm.syscall("getpid", 1, 2, 3, 4, 5, 6, 7)
      }
    },
  ]

  @Test("a mistake in a test is no infrastructure error, and says what to write instead", arguments: mistakes)
  func mistake(_ mistake: Mistake) async throws {
    let error = await #expect(throws: ProviumError.self) { try await mistake.body() }
    #expect(error?.code == mistake.code)
    #expect(error?.message.contains(mistake.expected) == true, "\(error?.message ?? "")")
    // Nothing failed in a guest.
    #expect(error?.operations == [])
    #expect(error?.console == [])
  }

  @Test("a test that is cancelled ends its VM", .virtualMachine(fixture: "base"))
  func cancellation() async throws {
    let vm = try VirtualMachine.current
    let task = Task { try await vm.exec("sleep 600") }
    try await Task.sleep(for: .milliseconds(200))
    task.cancel()
    let error = await #expect(throws: ProviumError.self) { try await task.value }
    #expect(error?.code == .interrupted)
    #expect(error?.message.contains("cancelled") == true)
    let after = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      // A cancelled task can still end its VM.
      await vm.kill()
    }
    await after.value
  }

  @Test("the trait of a VM notices the first issue of its test that is a failure, and records all of them")
  func issueWatch() async throws {
    let watch = IssueWatch()
    let recorded = Mutex(0)
    let outer = IssueHandlingTrait.filterIssues { _ in
      recorded.withLock { $0 += 1 }
      return false
    }
    let test = try #require(Test.current)
    try await outer.provideScope(for: test, testCase: Test.Case.current) {
      try await watch.observe(test, Test.Case.current) {
        #expect(IssueWatch.current === watch)
        withKnownIssue { Issue.record("known") }
        Issue.record("a warning", severity: .warning)
        #expect(watch.failure == nil)
        Issue.record("the first")
        Issue.record("the second")
      }
    }
    #expect(watch.failure?.contains("the first") == true, "\(watch.failure ?? "")")
    #expect(recorded.withLock { $0 } == 4)
    #expect(IssueWatch.current == nil)
  }
}
