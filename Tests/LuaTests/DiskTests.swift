import ProviumTesting
import Testing

/// Disks that fail, in tests that are written in Swift.
@Suite("A served disk in Swift", .requires(.virtualMachines)) struct DiskTests {
  private static var configuration: VirtualMachine.Configuration {
    var configuration = VirtualMachine.Configuration(memory: .mebibytes(256))
    configuration.servedDisks = [ServedDisk(id: "data", size: 16 << 20)]
    return configuration
  }

  @Test(
    "fails where it is told to, keeps through a power cut what was flushed, and is there after the next boot",
    .virtualMachine(configuration)
  )
  func faultsAndPower() async throws {
    let vm = try VirtualMachine.current
    let disk = try await vm.disk("data")
    let error = await #expect(throws: ProviumError.self) { try await vm.disk("dat") }
    #expect(error?.message.contains("data") == true)

    try await disk.fail(.write, sectors: 8...15, times: 1)
    #expect(try await !vm.exec("dd if=/dev/zero of=/dev/vda bs=512 seek=8 count=1 conv=fsync").isSuccess)
    #expect(try await vm.exec("dd if=/dev/zero of=/dev/vda bs=512 seek=8 count=1 conv=fsync").isSuccess)
    #expect(try await disk.statistics.failures == 1)
    await #expect(throws: ProviumError.self) { try await disk.fail(with: .ENOENT) }
    await #expect(throws: ProviumError.self) { try await disk.fail(sectors: 0...1_000_000) }

    // The first write is flushed by fsync, the second is not.
    let flushed = "echo kept | dd of=/dev/vda bs=512 conv=sync,fsync"
    #expect(try await vm.exec(flushed).isSuccess)
    let device = try await vm.syscall.openat(-100, "/dev/vda", 1).value
    let line = Array("lost\n".utf8)
    #expect(try await vm.syscall.pwrite64(.value(device), .bytes(line), 5, 512).value == 5)
    // Writes the page to the disk, and flushes nothing (SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER).
    try await vm.syscall.sync_file_range(.value(device), 0, 0, 6)
    #expect(try await disk.read(512..<517) == line)
    #expect(try await disk.read(512..<517, durable: true) == [0, 0, 0, 0, 0])
    let cut = try await disk.cutPower()
    #expect(cut.lost >= 1 && cut.kept == 0)

    try await vm.reset()
    #expect(try await vm.exec("dd if=/dev/vda bs=5 count=1").standardOutput.text == "kept\n")
    try await disk.write(Array(repeating: UInt8(ascii: "x"), count: 512), at: 1024)
    #expect(try await vm.exec("dd if=/dev/vda bs=512 skip=2 count=1").standardOutput.text.hasPrefix("xxx"))
    await #expect(throws: ProviumError.self) { try await disk.write([1], at: 0) }
  }
}
