import Testing

import ProviumTesting

/// Tests written in Swift, on the same runtime as the Lua files beside them.
@Suite("Tests in Swift drive machines", .provium(requires: .machines))
struct SwiftTests {
  @Test("a fixture's machine is at hand", .fixture("base"))
  func fixture() async throws {
    let vm = try VirtualMachine.current
    let result = try await vm.exec(
      "echo $GREETING; cat",
      CommandOptions(environment: ["GREETING": "hello"], standardInput: Array("there".utf8))
    )
    #expect(result.isSuccess)
    #expect(result.standardOutput.text == "hello\nthere")
  }

  @Test("two tests of one fixture do not see each other", .fixture("base"), arguments: 1...2)
  func isolation(number: Int) async throws {
    let vm = try VirtualMachine.current
    #expect(try await vm.exec("test -e /tmp/seen").exitCode == 1)
    try await vm.writeFile("/tmp/seen", [UInt8(number)])
    #expect(try await vm.readFile("/tmp/seen") == [UInt8(number)])
  }

  @Test("system calls go by name, with buffers", .fixture("base"))
  func systemCalls() async throws {
    let vm = try VirtualMachine.current
    let pid = try await vm.syscall("getpid").value
    #expect(pid > 0)
    try await vm.writeFile("/tmp/data", Array("0123456789".utf8), mode: 0o600)
    let descriptor = try await vm.syscall("openat", -100, "/tmp/data", 0).value
    #expect(descriptor >= 0)
    let read = try await vm.syscall("read", .value(descriptor), .room(4), 4)
    #expect(read.value == 4)
    #expect(read.buffers == [Array("0123".utf8)])
    #expect(try await vm.syscall("openat", -100, "/nowhere", 0).value == -2)
    let wrong = await #expect(throws: ProviumError.self) { try await vm.syscall("opneat") }
    #expect(wrong?.message.contains("openat") == true)
  }

  @Test("a worker's credentials are its own; jobs run beside", .fixture("base"))
  func workersAndJobs() async throws {
    let vm = try VirtualMachine.current
    let worker = try await vm.spawn()
    #expect(try await worker.syscall("setresuid", 1000, 1000, 1000).value == 0)
    #expect(try await worker.syscall("getuid").value == 1000)
    #expect(try await vm.syscall("getuid").value == 0)
    try await worker.kill()
    await #expect(throws: ProviumError.self) { try await worker.syscall("getuid") }
    let job = try await vm.background("until [ -e /tmp/go ]; do sleep 0.05; done; echo done; exit 3")
    #expect(try await job.poll() == nil)
    try await vm.writeFile("/tmp/go", [])
    let result = try await job.wait(.seconds(30))
    #expect(result?.exitCode == 3)
    #expect(result?.standardOutput.text == "done\n")
  }

  @Test("a machine boots with options, and is over after its shutdown")
  func boot() async throws {
    var options = VirtualMachine.Options()
    options.memory = 256
    options.files = ["/etc/motd": (Array("hi".utf8), 0o644)]
    options.append = "provium_test=1"
    let vm = try await VirtualMachine.boot(options)
    #expect(try await vm.readFile("/etc/motd") == Array("hi".utf8))
    #expect(try await vm.exec("grep -c provium_test=1 /proc/cmdline").isSuccess)
    try await vm.shutdown()
    try await vm.shutdown()
    try await vm.kill()
    await #expect(throws: ProviumError.self) { try await vm.exec("true") }
  }

  @Test("a test with two fixtures is admitted once", .fixture("base"), .fixture("nested"))
  func twoFixtures() async throws {
    #expect(try await VirtualMachine.current.exec("true").isSuccess)
  }

  @Test("tests that hold a machine and want a second one do not wait for each other", arguments: 1...6)
  func pairs(number: Int) async throws {
    let one = try await VirtualMachine.resume("base")
    let two = try await VirtualMachine.resume("base")
    #expect(try await one.exec("true").isSuccess)
    #expect(try await two.exec("true").isSuccess)
    try await one.kill()
    try await two.kill()
  }

  @Test("a kernel report is an issue of the test that ends its machine")
  func report() async throws {
    let vm = try await VirtualMachine.resume("base")
    let warning = "WARNING: CPU: 0 PID: 1 at swift.c:1"
    _ = try await vm.exec("echo '<4>\(warning)' > /dev/kmsg; sleep 0.2")
    try await withKnownIssue {
      try await vm.kill()
    } matching: { issue in
      issue.comments.contains { $0.rawValue.contains(warning) }
    }
  }

  @Test("a path in a variable is an argument, too", .fixture("base"))
  func stringArgument() async throws {
    let path = "/etc/passwd"
    let vm = try VirtualMachine.current
    #expect(try await vm.syscall("openat", -100, .string(path), 0).value >= 0)
  }

  @Test("mistakes are told: an unknown fixture, too little memory, no trait")
  func mistakes() async throws {
    let unknown = await #expect(throws: ProviumError.self) { try await VirtualMachine.resume("bsae") }
    #expect(unknown?.message.contains("base") == true)
    var options = VirtualMachine.Options()
    options.memory = 5
    await #expect(throws: ProviumError.self) { try await VirtualMachine.boot(options) }
    #expect(throws: ProviumError.self) { try VirtualMachine.current }
  }

  @Test("a test that is cancelled ends what its machine is doing", .fixture("base"))
  func cancellation() async throws {
    let vm = try VirtualMachine.current
    let task = Task { try await vm.exec("sleep 600") }
    try await Task.sleep(for: .milliseconds(200))
    task.cancel()
    let error = await #expect(throws: ProviumError.self) { try await task.value }
    #expect(error?.message.contains("cancelled") == true)
    let after = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      // The clean-up of a cancelled task is carried out.
      try await vm.kill()
    }
    try await after.value
  }
}
