import ProviumTesting
import Testing

@Suite(.requires(.virtualMachines)) struct PrivilegeTests {
  @Test("a worker that gave up root cannot take it back", .virtualMachine(fixture: "ready"))
  func privileges() async throws {
    let vm = try VirtualMachine.current
    let worker = try await vm.spawn(.process)
    try await worker.syscall.setuid(1000)
    await #expect(throws: Errno.EPERM) { try await worker.syscall.setuid(0) }
    #expect(try await vm.syscall.getuid().value == 0)
  }

  @Test("a VM with two processors uses both")
  func processors() async throws {
    try await withVirtualMachine(.init(cpus: 2)) { vm in
      let online = try await vm.readText("/sys/devices/system/cpu/online")
      #expect(online == "0-1\n")
    }
  }
}
