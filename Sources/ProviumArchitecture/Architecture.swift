import ProviumSystem

/// A processor architecture of guests: everything that differs from one architecture to another.
///
/// `all` is the list of them; each has one file, `Architecture+NAME.swift`. Those that an agent can be built for are listed in
/// `Agent/sources.sh`, and the agent's system call convention for each is in `Agent/core/sys.h`.
public struct Architecture: Sendable {
  /// The kernel's name, as in `uname -m` and `qemu-system-NAME`.
  public let name: String
  /// Debian's and Ubuntu's name.
  package let debianName: String
  /// The Debian package with its QEMU.
  package let qemuPackage: String
  /// The value of QEMU's `-machine`.
  package let qemuMachine: String
  /// The value of QEMU's `-cpu` where the processor is emulated.
  package let emulatedProcessor: String
  /// The kernel's name of the machine's first serial port.
  package let console: String
  /// `e_machine` of its ELF files (elf(5)).
  package let elfMachine: UInt16
  /// The kernel files that QEMU boots on it.
  package let kernelFormats: Set<KernelFormat>
  /// The kernels that a kernel build makes, as paths in the build tree, those first that boot sooner.
  package let buildTreeImages: [String]
  /// True where the kernel has a driver for `-device vmgenid`, which reports a resume.
  package let hasGenerationID: Bool
  /// The guest's physical address of its first byte of memory on that machine.
  package let memoryStart: UInt64
  /// The tables of numbers. Functions, since a table is parsed at first use.
  let syscalls: @Sendable () -> NameTable
  let constants: @Sendable () -> NameTable

  /// Every architecture that Provium knows.
  public static let all: [Architecture] = [x86_64, aarch64, riscv64]

  /// Finds an architecture by the kernel's name of it; nil for one that is not in `all`.
  public init?(named name: String) {
    guard let known = Self.all.first(where: { $0.name == name }) else { return nil }
    self = known
  }

  /// Finds an architecture by `e_machine` of an ELF file.
  package init?(elfMachine: UInt16) {
    guard let known = Self.all.first(where: { $0.elfMachine == elfMachine }) else { return nil }
    self = known
  }

  init(
    name: String,
    debianName: String,
    qemuPackage: String,
    qemuMachine: String,
    emulatedProcessor: String,
    console: String,
    elfMachine: UInt16,
    kernelFormats: Set<KernelFormat>,
    buildTreeImages: [String],
    hasGenerationID: Bool,
    memoryStart: UInt64,
    syscalls: @escaping @Sendable () -> NameTable,
    constants: @escaping @Sendable () -> NameTable
  ) {
    self.name = name
    self.debianName = debianName
    self.qemuPackage = qemuPackage
    self.qemuMachine = qemuMachine
    self.emulatedProcessor = emulatedProcessor
    self.console = console
    self.elfMachine = elfMachine
    self.kernelFormats = kernelFormats
    self.buildTreeImages = buildTreeImages
    self.hasGenerationID = hasGenerationID
    self.memoryStart = memoryStart
    self.syscalls = syscalls
    self.constants = constants
  }
}

extension Architecture {
  /// The architecture of this host.
  /// - Throws: `UnknownArchitecture` on a host whose guests Provium does not know.
  package static var host: Architecture { get throws { try required(HostFacts.machine) } }

  /// - Throws: `UnknownArchitecture` for a name that is not in `all`.
  package static func required(_ name: String) throws(UnknownArchitecture) -> Architecture {
    guard let architecture = Architecture(named: name) else { throw UnknownArchitecture(name: name) }
    return architecture
  }
}

/// A name that `Architecture.all` does not have.
package struct UnknownArchitecture: Error, Hashable, CustomStringConvertible {
  package let name: String

  package var description: String {
    let known = Architecture.all.map(\.name).joined(separator: ", ")
    return "Provium boots no guests of the architecture \(name), only \(known)"
  }
}

/// The formats of kernel files.
package enum KernelFormat: String, Sendable { case bzImage, elf, arm64, riscv }

extension Architecture: Hashable, CustomStringConvertible {
  /// Two architectures are equal if their names are.
  public static func == (left: Architecture, right: Architecture) -> Bool { left.name == right.name }
  /// Hashes the name.
  public func hash(into hasher: inout Hasher) { hasher.combine(name) }
  /// `x86_64`
  public var description: String { name }
}

/// Encoded as its name.
extension Architecture: Codable {
  /// Reads a name.
  /// - Throws: for a name of no known architecture.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let name = try container.decode(String.self)
    guard let known = Architecture(named: name) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "unknown architecture \(name)")
    }
    self = known
  }

  /// Writes the name.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(name)
  }
}
