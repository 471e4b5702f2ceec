import ProviumTesting
import Testing

/// Labs in tests that are written in Swift: VMs and networks that were saved together.
@Suite("A lab in Swift", .requires(.virtualMachines))
struct LabTests {
  @Test("a connection that was open at the save goes on, while tasks use several VMs at once")
  func connection() async throws {
    try await withLab("cluster") { lab in
      #expect(lab.hostNames == ["node1", "node2"] && lab.networks.map(\.name) == ["lan"])
      let node1 = try lab.machine("node1"), node2 = try lab.machine("node2"), lan = try lab.network("lan")
      #expect(try lan.addresses(of: node1) == ["10.20.0.1"])
      // The lab was saved with a delay of 3 s in this direction.
      try lan.set(Impairment(), from: node1, to: node2)
      try await node1.exec("echo after > /tmp/in")
      try await node2.exec("until grep -q after /tmp/out; do sleep 0.02; done")
      #expect(try await node2.readText("/tmp/out") == "before\nafter\n")
      // The first command ends when the second VM has connected to it.
      async let heard = node2.exec("nc -l -p 7001")
      try await node1.exec("until echo hello | nc node2 7001; do sleep 0.02; done")
      #expect(try await heard.standardOutput.text == "hello\n")
    }
  }

  @Test("a VM of a lab can be ended for itself; another lab, and VMs that join, are told apart")
  func life() async throws {
    try await withLab("cluster") { lab in
      let lan = try lab.network("lan"), node2 = try lab.machine("node2")
      try lan.setAll(nil)
      await node2.kill()
      await #expect(throws: ProviumError.self) { try await node2.exec("true") }
      let node1 = try lab.machine("node1")
      try lan.set(Impairment(), from: node1, to: node2)
      #expect(try await node1.exec("ping -c 1 -W 1 node2").isSuccess == false)
      try await withVirtualMachine(.init(memory: .mebibytes(256)), networks: [lan], hostName: "late") {
        late in
        let ping = try await late.exec("ping -c 1 -W 10 node1")
        #expect(ping.isSuccess)
      }
      try await withLab("cluster") { other in
        let name = try await other.machine("node2").exec("hostname").standardOutput.text
        #expect(name == "node2\n")
        let error = #expect(throws: ProviumError.self) { try lan.partition([node1], other.machines) }
        #expect(error?.message == "the VM is not on the network lan")
      }
    }
  }

  @Test("a wrong name says what the lab has, and there is no current VM") func names() async throws {
    let unknown = await #expect(throws: ProviumError.self) { try await withLab("clutser") { _ in } }
    #expect(unknown?.message.contains("there is no fixture 'clutser' (did you mean 'cluster'?)") == true)
    try await withLab("node") { lab in
      let machine = #expect(throws: ProviumError.self) { try lab.machine("vm2") }
      #expect(machine?.message == "the lab node has no machine 'vm2' (did you mean 'vm1'?); it has: vm1")
      let network = #expect(throws: ProviumError.self) { try lab.network("wan") }
      #expect(network?.message.hasPrefix("the lab node has no network 'wan'") == true)
      #expect(throws: ProviumError.self) { try VirtualMachine.current }
    }
  }

  @Test("a kernel report of any VM is an issue, and an error of the test ends all VMs") func failures()
    async throws
  {
    let warning = "WARNING: CPU: 0 PID: 1 at lab.c:1"
    try await withKnownIssue {
      try await withLab("cluster") { lab in
        _ = try await lab.machine("node2").exec("echo '<4>\(warning)' > /dev/kmsg")
      }
    } matching: { issue in
      (issue.error as? ProviumError)?.message.contains(warning) == true
    }
    struct Wrong: Error {}
    await #expect(throws: Wrong.self) {
      try await withLab("node") { _ in throw Wrong() }
    }
  }

  @Test("a cancelled task ends the lab") func cancellation() async throws {
    let (resumed, continuation) = AsyncStream.makeStream(of: Void.self)
    let task = Task {
      try await withLab("node") { lab in
        continuation.yield()
        try await lab.machine("vm1").exec("sleep 100000")
      }
    }
    for await _ in resumed { break }
    task.cancel()
    let error = await #expect(throws: ProviumError.self) { try await task.value }
    #expect(error?.code == .interrupted)
  }
}
