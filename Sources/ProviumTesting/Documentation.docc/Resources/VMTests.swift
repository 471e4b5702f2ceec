import ProviumTesting
import Testing

@Suite(.requires(.virtualMachines)) struct FromSwift {
  @Test(.virtualMachine(fixture: "ready")) func aWorkerGivesUpItsPrivileges() async throws {
    let vm = try VirtualMachine.current
    #expect(try await vm.readText("/etc/prepared") == "yes\n")
    let worker = try await vm.spawn(.process)
    try await worker.syscall.setuid(1000)
    await #expect(throws: Errno.EPERM) { try await worker.syscall.setuid(0) }
    #expect(try await vm.syscall.getuid().value == 0)
  }

  @Test func aVMHasTheSizeOfItsConfiguration() async throws {
    try await withVirtualMachine(.init(memory: .gibibytes(1), cpus: 2)) { vm in
      let online = try await vm.readText("/sys/devices/system/cpu/online")
      #expect(online == "0-1\n")
      let memory = try await vm.exec("awk '/MemTotal/ {print $2}' /proc/meminfo")
      #expect(try #require(Int(memory.standardOutput.lines[0])) > 800_000)
    }
  }
}
