import ProviumTesting
import Testing

@Suite(.provium(requires: .machines)) struct PrivilegeTests {
  @Test("a worker that gave up root cannot take it back", .fixture("ready"))
  func privileges() async throws {
    let vm = try VirtualMachine.current
    let worker = try await vm.spawn()
    #expect(try await worker.syscall("setuid", 1000).result == 0)
    #expect(try await worker.syscall("setuid", 0).result == -1)
    #expect(try await vm.syscall("getuid").result == 0)
  }
}
