/// What differs between guests of one architecture and those of another, as far as their machine and their image go. Another
/// architecture is another value here, its numbers in `GuestArchitecture`, and its calling convention in
/// `Agent/core/sys.h`.
package struct GuestPlatform: Sendable, Hashable {
  /// As in `uname -m`, and in `qemu-system-NAME`.
  package let name: String
  /// Debian's and Ubuntu's name of it.
  package let debianName: String
  /// The package that holds its QEMU.
  package let qemuPackage: String
  /// QEMU's machine.
  package let machine: String
  /// QEMU's processor where it emulates one.
  package let emulatedProcessor: String
  /// The kernel's name of the machine's first serial port.
  package let console: String
  /// `e_machine` of its ELF files (elf(5)).
  package let elfMachine: UInt16
  /// Formats of a kernel that boots on it.
  package let kernels: Set<KernelImage.Format>
  /// `-device vmgenid` tells the kernel of a resume.
  package let hasGenerationID: Bool

  package static let x86_64 = GuestPlatform(
    name: "x86_64",
    debianName: "amd64",
    qemuPackage: "qemu-system-x86",
    machine: "q35",
    // Without the fast string instructions a kernel copies eight bytes at a time instead of one, which is what an emulator
    // makes of `rep movsb`: file transfers take half the time.
    emulatedProcessor: "max,-erms,-fsrm",
    console: "ttyS0",
    elfMachine: 62,
    kernels: [.bzImage, .elf],
    hasGenerationID: true
  )

  package static let aarch64 = GuestPlatform(
    name: "aarch64",
    debianName: "arm64",
    qemuPackage: "qemu-system-arm",
    machine: "virt",
    // `max` alone emulates pointer authentication in full, which costs a factor of five.
    emulatedProcessor: "max,pauth-impdef=on",
    console: "ttyAMA0",
    elfMachine: 183,
    kernels: [.arm64],
    hasGenerationID: false
  )

  package static let all = [x86_64, aarch64]

  /// nil for an architecture that Provium boots no guests of.
  package static func named(_ name: String) -> GuestPlatform? { all.first { $0.name == name } }

  /// - Throws: `ImageError.unknownArchitecture`.
  package static func required(_ name: String) throws -> GuestPlatform {
    guard let platform = named(name) else { throw ImageError.unknownArchitecture(name) }
    return platform
  }
}
