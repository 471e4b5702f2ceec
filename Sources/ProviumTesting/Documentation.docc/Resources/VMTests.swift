import ProviumTesting
import Testing

@Suite(.provium(requires: .machines)) struct FromSwift {
  @Test(.fixture("ready")) func aWorkerGivesUpItsPrivileges() async throws {
    let vm = try VirtualMachine.current
    #expect(try await vm.exec("cat /etc/prepared").output == "yes\n")
    let worker = try await vm.spawn()
    #expect(try await worker.syscall("setuid", 1000).result == 0)
    #expect(try await vm.syscall("getuid").result == 0)
  }
}
