import ProviumTesting
import Testing

/// Processes with live streams, in tests that are written in Swift.
@Suite("A process in Swift", .requires(.virtualMachines), .virtualMachine(fixture: "base"))
struct ProcessTests {
  @Test("is written to and read from while it runs, by lines and by expressions") func streams() async throws
  {
    let vm = try VirtualMachine.current
    try await vm.withProcess("while read l; do echo \"got $l\"; done; echo bye; exit 3") { process in
      try await process.write("one\ntwo\n")
      #expect(try await process.readLine() == "got one")
      let match = try await process.expect(/got (t\w+)\n/)
      #expect(match.1 == "two")
      // Other operations of the VM go on in the meantime.
      #expect(try await vm.exec("true").isSuccess)
      try await process.closeInput()
      #expect(try await process.read(until: "bye") == "bye")
      let result = try await process.wait()
      #expect(result.exitCode == 3 && result.standardOutput.text == "\n")
    }
  }

  @Test("has its lines as an asynchronous sequence, and its errors apart") func lines() async throws {
    let vm = try VirtualMachine.current
    try await vm.withProcess("seq 5; echo problem >&2; printf end") { process in
      var lines: [String] = []
      for try await line in process.lines { lines.append(line) }
      #expect(lines == ["1", "2", "3", "4", "5", "end"])
      #expect(try await process.wait().standardError.text == "problem\n")
      #expect(try await process.read() == nil)
    }
  }

  @Test("has a terminal with a size and Ctrl-C") func terminal() async throws {
    let vm = try VirtualMachine.current
    let size = try TerminalSize(columns: 100, rows: 30)
    try await vm.withProcess("stty size; read x; stty size; sleep 1000", terminal: size) { process in
      try await process.read(until: "30 100")
      try await process.resize(to: .standard)
      try await process.write("\n")
      try await process.read(until: "24 80")
      try await process.write("\u{3}")
      #expect(try await process.wait().exitCode != 0)
    }
    #expect(throws: (any Error).self) { try TerminalSize(columns: 0, rows: 1) }
  }

  @Test("that does not write what is expected is an error that shows what came instead") func unexpected()
    async throws
  {
    let vm = try VirtualMachine.current
    try await vm.withProcess("printf 'a\\377b'; sleep 1000") { process in
      let late = await #expect(throws: ProviumError.self) {
        try await process.expect(/c/, atMost: .milliseconds(200))
      }
      #expect(late?.code == .timeout && late?.message.contains("it wrote:\na?b") == true)
      try await process.send(.terminate)
      let ended = await #expect(throws: ProviumError.self) { try await process.read(until: "c") }
      #expect(ended?.message.contains("ended before \"c\"") == true)
    }
  }

  @Test("ends with its scope, also in a worker") func scope() async throws {
    let vm = try VirtualMachine.current
    let worker = try await vm.spawn()
    let process = try await worker.withProcess("sleep 1000") { $0 }
    #expect(try await vm.exec("test -e /proc/\(process.pid)").exitCode == 1)
    let error = await #expect(throws: ProviumError.self) { try await process.read() }
    #expect(error?.code == .invalidUse)
  }
}
