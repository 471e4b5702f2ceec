import Glibc
import ProviumAgentClient
import ProviumBlock
import ProviumBoot
import ProviumSystem
import ProviumVM
import Testing

@testable import ProviumRuntime

@Suite(
  "The memory file of a snapshot",
  .enabled(if: getenv("PROVIUM_TEST_NO_VM") == nil, "PROVIUM_TEST_NO_VM is set")
) struct MemoryFileTests {
  private let limit = Deadline.after(.seconds(300))

  private func run(_ command: String, in machine: VirtualMachine) throws -> String {
    let result = try machine.connection.exec(ByteString(command), until: limit)
    #expect(result.status.isSuccess, "\(command): \(result.standardError.text)")
    return result.standardOutput.text
  }

  @Test(
    "VMs that are resumed from a snapshot whose memory was moved into a file have its state, and change it for themselves"
  )
  func moved() throws {
    let directory = try RunDirectory()
    defer { directory.close() }
    let host = MachineHost.ofThisMachine(directory)
    let folder = "\(directory.path)/state"
    try Files.createDirectories(folder)
    var configuration = MachineConfiguration(memory: .mebibytes(256))
    configuration.devices = [ServedDisk(id: "data", size: 1 << 20)]
    let machine = try VirtualMachine.boot(configuration, name: "moved", on: host, until: limit)
    _ = try run(
      "echo saved > /state; printf volatile | dd of=/dev/vda bs=4k conv=sync oflag=direct",
      in: machine
    )
    let stream = try machine.save(to: folder, host: host, until: limit)
    #expect(stream.isStream)
    let streamSize = try #require(Files.size(stream.statePath))

    let snapshot = try VirtualMachine.moveMemory(of: stream, on: host, until: limit)
    #expect(!snapshot.isStream)
    #expect(Set(try Files.list(folder)).isSubset(of: snapshot.fileNames))
    #expect(Files.size(snapshot.memoryPath) == 256 << 20)
    #expect(try #require(Files.size(snapshot.statePath)) < streamSize / 4)
    #expect(try VirtualMachine.moveMemory(of: snapshot, on: host, until: limit) == snapshot)

    for _ in 0..<2 {
      let resumed = try VirtualMachine.resume(snapshot, on: host, until: limit)
      defer { resumed.kill() }
      let text = try run("cat /state; head -c 8 /dev/vda; echo changed > /state", in: resumed)
      #expect(text == "saved\nvolatile")
      let disk = try #require(resumed.process.disks["data"])
      try disk.cutPower()
      #expect(try disk.read(at: 0, count: 8) == [UInt8](repeating: 0, count: 8))
    }
  }
}
