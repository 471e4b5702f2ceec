import Glibc
import ProviumAgentClient
import ProviumArchitecture
import ProviumBoot
import ProviumSystem
import Testing

@testable import ProviumVM

/// VMs of the built-in profile, without the engine.
@Suite(
  "A VM",
  .enabled(if: Environment["PROVIUM_TEST_NO_VM"] == nil && ToolRun.find("qemu-system-x86_64") != nil),
  .serialized
) struct VirtualMachineTests {
  /// A host with a cache of its own; only the kernel is the shared one.
  private static func host() throws -> MachineHost {
    let run = try RunDirectory()
    let cache = "\(run.path)/cache"
    try Files.createDirectories(cache)
    let home = try #require(Environment["HOME"])
    try Files.createDirectories("\(home)/.cache/provium/kernels")
    try #require(symlink("\(home)/.cache/provium/kernels", "\(cache)/kernels") == 0)
    return MachineHost(
      cache: cache,
      accelerator: AcceleratorProbe.verdict(cache: cache),
      channel: ChannelVerdict.choose(),
      run: run
    )
  }

  private static let deadline = Duration.seconds(240)

  private static func boot(_ configuration: MachineConfiguration, on host: MachineHost) throws
    -> VirtualMachine
  {
    try VirtualMachine.boot(configuration, name: "vm", on: host, until: .after(deadline))
  }

  @Test("a device that only this test has is in the guest, with the driver that it names") func device()
    throws
  {
    let host = try Self.host()
    var configuration = MachineConfiguration(memory: .mebibytes(192))
    configuration.devices = [EntropyDevice()]
    let machine = try Self.boot(configuration, on: host)
    defer { machine.shutdown() }
    let file: ByteString = "/sys/class/misc/hw_random/rng_available"
    let bytes = try machine.connection.readFile(file, until: .after(.seconds(60)))
    let sources = String(decoding: bytes, as: UTF8.self)
    #expect(sources.contains("virtio_rng.0"), "\(sources)")
  }

  /// How a kernel's entry code is broken: the instructions, and the remark.
  struct Fault: Sendable, CustomTestStringConvertible {
    let code: [UInt8]
    let remark: String
    var testDescription: String { remark }
  }

  @Test(
    "a kernel whose PVH entry resets or hangs without a message is booted as a bzImage, which is remembered and said",
    arguments: [
      // ud2, without a table of exceptions; cli, hlt, and a jump back.
      Fault(code: [0x0f, 0x0b], remark: "reset the VM before its first message"),
      Fault(code: [0xfa, 0xf4, 0xeb, 0xfd], remark: "got stuck before its first message"),
    ]
  )
  func entry(fault: Fault) throws {
    let host = try Self.host()
    let configuration = MachineConfiguration(memory: .mebibytes(192))
    let drivers = configuration.kernelModules(on: host.platform(for: try .host))
    let image = try host.images.build(configuration.boot, drivers: drivers)
    let bzImage = try #require(image.bzImage)
    try Self.replaceEntry(of: image.kernel, by: fault.code)
    let machine = try Self.boot(configuration, on: host)
    machine.kill()
    #expect(machine.image.kernel == bzImage.path)
    #expect(machine.image.remarks.contains { $0.contains(fault.remark) }, "\(machine.image.remarks)")
    let next = try host.images.build(configuration.boot, drivers: drivers)
    #expect(next.kernel == bzImage.path && next.bzImage == nil && next.remarks.isEmpty)
  }

  /// Writes instructions to the place where QEMU enters a vmlinux by its PVH note.
  private static func replaceEntry(of path: String, by code: [UInt8]) throws {
    var file = try Files.read(path)
    func number(_ at: Int, _ width: Int) -> Int {
      (0..<width).reduce(0) { $0 | Int(file[at + $1]) << (8 * $1) }
    }
    // XEN_ELFNOTE_PHYS32_ENTRY: its type, and its owner's name.
    let note = try #require(file.firstRange(of: [18, 0, 0, 0] + Array("Xen\0".utf8)))
    let entry = number(note.upperBound, 4)
    let table = number(32, 8), size = number(54, 2), count = number(56, 2)
    let segment = try #require(
      (0..<count).map { table + $0 * size }.first { at in
        let address = number(at + 24, 8)
        return number(at, 4) == 1 && (address..<address + number(at + 32, 8)).contains(entry)
      }
    )
    let place = number(segment + 8, 8) + entry - number(segment + 24, 8)
    file.replaceSubrange(place..<place + code.count, with: code)
    try Files.replace(path, with: file)
  }

  @Test(
    "an instruction pointer is read from QEMU's registers in 32-bit and 64-bit mode",
    arguments: [
      ("EAX=0\nEIP=01000150 EFL=00000002", 0x100_0150), ("RIP=ffffffff81000000 RFL=2", 0xffff_ffff_8100_0000),
      ("PC=ffff800008000000", nil), ("", nil),
    ] as [(String, UInt64?)]
  )
  func registers(text: String, address: UInt64?) {
    #expect(KernelEntryWatch.instructionAddress(text) == address)
  }
}
