import FoundationEssentials
import ProviumBoot
import ProviumSystem
import Testing

@testable import ProviumVM

@Suite("A machine configuration") struct MachineConfigurationTests {
  @Test("the defaults are one processor, 512 MiB, 30 seconds to boot, and they are valid") func defaults()
    throws
  {
    let configuration = MachineConfiguration()
    #expect(configuration.memory == .mebibytes(512) && configuration.cpus == 1)
    #expect(configuration.bootTimeLimit == nil)
    try configuration.validate()
  }

  /// A change of the default configuration that must be refused.
  struct Refusal: Sendable, CustomTestStringConvertible {
    let message: String
    let change: @Sendable (inout MachineConfiguration) -> Void
    var testDescription: String { message }

    init(_ message: String, _ change: @escaping @Sendable (inout MachineConfiguration) -> Void) {
      self.message = message
      self.change = change
    }
  }

  private static let refusals = [
    Refusal("memory must be at least 64M, in whole megabytes, got 32M") { $0.memory = .mebibytes(32) },
    Refusal("memory must be at least 64M, in whole megabytes") {
      $0.memory = MemorySize(bytes: (64 << 20) + 1)
    },
    Refusal("memory must be at least 64M, in whole megabytes, got") { $0.memory = .gibibytes(.max) },
    Refusal("cpus must be an integer from 1 to 255, got 0") { $0.cpus = 0 },
    Refusal("bootTimeLimit must be greater than zero") { $0.bootTimeLimit = .zero },
    Refusal("files['a'] is no absolute guest path") { $0.files = [GuestFile("a", "")] },
    Refusal("files['/a'] is the same file as another one of them (/a)") {
      $0.files = [GuestFile("/a", ""), GuestFile("//a", "")]
    },
    Refusal("files['/a/b'] is below /a, which is a file") {
      $0.files = [GuestFile("/a/b", ""), GuestFile("/a", "")]
    },
    Refusal("files['/a'] must be a host file that exists") {
      $0.files = [GuestFile("/a", copying: "/no/file")]
    },
    Refusal("files['/a'] must be a regular host file") { $0.files = [GuestFile("/a", copying: "/dev/null")] },
    Refusal("disks[0] must be a disk image that exists, got /no/disk") { $0.disks = [.image("/no/disk")] },
    Refusal("disks[0] must be a disk image, got /tmp, which is a directory") { $0.disks = [.image("/tmp")] },
  ]

  @Test("a value that no VM can have is refused by name, with what is accepted", arguments: refusals)
  func invalid(refusal: Refusal) {
    var configuration = MachineConfiguration()
    refusal.change(&configuration)
    let error = #expect(throws: InvalidConfiguration.self) { try configuration.validate() }
    #expect(error?.description.hasPrefix(refusal.message) == true, "\(error?.description ?? "")")
  }

  @Test("a configuration with every setting and a device of a test is the same after it was saved and read")
  func saved() throws {
    var configuration = MachineConfiguration(
      profile: "debug",
      memory: .gibibytes(2),
      cpus: 4,
      append: "quiet",
      disks: [.image("/a", format: .qcow2, readOnly: true), .image("/b", discardsWrites: true)],
      files: [GuestFile("/c", [0, 255], mode: 0o600), GuestFile("/d", copying: "/e")]
    )
    configuration.boot = BootSource(architecture: .aarch64, kernel: "/k", initrd: "/i", rootfs: "/r")
    configuration.devices = [EntropyDevice(source: "/dev/random")]
    let data = try JSONEncoder().encode(configuration)
    let read = try JSONDecoder().decode(MachineConfiguration.self, from: data)
    #expect(read == configuration && read.hashValue == configuration.hashValue)
    #expect(read.devices.first as? EntropyDevice == EntropyDevice(source: "/dev/random"))
    var other = configuration
    other.devices = [EntropyDevice()]
    #expect(other != configuration)
  }

  @Test("a saved device that this version does not have is an error with its name") func unknownDevice() {
    let text = Data(#"{"kind": "teapot", "device": {}}"#.utf8)
    let error = #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(AnyMachineDevice.self, from: text)
    }
    #expect("\(error.map { "\($0)" } ?? "")".contains("no device 'teapot'"))
  }

  @Test("relative paths are taken from the folder of the project") func paths() {
    var configuration = MachineConfiguration(
      disks: [.image("d.img"), .image("/abs.img")],
      files: [GuestFile("/a", copying: "a.txt"), GuestFile("/b", "text")]
    )
    configuration.boot.kernel = "build/vmlinux"
    let resolved = configuration.resolvingPaths(against: "/project")
    #expect(resolved.disks.map(\.path) == ["/project/d.img", "/abs.img"])
    #expect(resolved.files[0].contents == .hostFile("/project/a.txt"))
    #expect(resolved.boot.kernel == "/project/build/vmlinux")
  }

  @Test("a device's modules are among those that the guest loads, each once") func modules() {
    var configuration = MachineConfiguration(disks: [.image("/a"), .image("/b")])
    configuration.devices = [EntropyDevice()]
    let platform = Platform(architecture: .x86_64, accelerator: .tcg, channel: .virtioSerial)
    #expect(
      configuration.kernelModules(on: platform) == [
        "virtio_pci", "virtio_console", "virtio_blk", "virtio_rng",
      ]
    )
  }
}
