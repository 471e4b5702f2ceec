import Glibc
package import ProviumArchitecture
import ProviumSystem

/// A kernel file: what it is, and its release.
package struct KernelImage: Sendable, Hashable {
  package let path: String
  package let format: KernelFormat
  /// `e_machine` of an ELF file.
  package let machine: UInt16?
  /// `6.1.0-56-cloud-amd64`; nil when the file does not say.
  package let release: String?

  /// The place of the packed kernel in an EFI zboot image; nil: it is not one.
  let zbootPayload: Range<Int>?

  /// Looks at the head of the file.
  package init(_ path: String) throws {
    self.path = path
    guard Files.exists(path) else { throw ImageError.missingFile(role: "kernel", path: path) }
    guard !Files.isDirectory(path) else { throw ImageError.notAKernel(path: path, what: "it is a directory") }
    let head = try Files.readHead(path, 0x10000)
    zbootPayload = try Self.zbootPayload(path, head)
    if head.count > 0x264, Array(head[0x202..<0x206]) == Array("HdrS".utf8) {
      format = .bzImage
      release = Self.release(inSetup: head)
      try Self.checkPayload(path, head)
    } else if head.starts(with: ELFKernel.magic) {
      // One of another architecture is told of by `check`.
      if Self.machine(inELF: head) == Self.x86Machine, let problem = try ELFKernel.problem(path, head) {
        throw ImageError.notAKernel(path: path, what: problem)
      }
      format = .elf
      release = nil
    } else if let zbootPayload {
      format = try Self.zbootFormat(path, zbootPayload)
      release = nil
    } else if let format = try Self.image(head)
      ?? (Self.isGzip(head) ? Self.image(Self.unpackedHead(path)) : nil)
    {
      // QEMU unpacks gzip.
      self.format = format
      release = nil
    } else {
      throw ImageError.notAKernel(path: path, what: Self.guess(head))
    }
    machine = format == .elf ? Self.machine(inELF: head) : nil
  }

  /// `e_machine` (elf.h). Little-endian in every architecture that there are guests of.
  private static func machine(inELF head: [UInt8]) -> UInt16? {
    head.count > 19 ? UInt16(head[18]) | UInt16(head[19]) << 8 : nil
  }
  private static let x86Machine: UInt16 = 62

  /// The place of the payload by the setup header; nil before version 2.08 of the boot protocol, which does not say
  /// (Documentation/arch/x86/boot.rst).
  private static func payload(inSetup head: [UInt8]) -> Range<Int>? {
    func word(_ at: Int) -> Int { (0..<4).reduce(0) { $0 | Int(head[at + $1]) << (8 * $1) } }
    guard Int(head[0x206]) | Int(head[0x207]) << 8 >= 0x208 else { return nil }
    let sectors = head[0x1f1] == 0 ? 4 : Int(head[0x1f1])
    let start = (sectors + 1) * 512 + word(0x248)
    return start..<start + word(0x24c)
  }

  private static func checkPayload(_ path: String, _ head: [UInt8]) throws {
    guard let payload = payload(inSetup: head), let size = Files.size(path), payload.upperBound > size else {
      return
    }
    throw ImageError.notAKernel(
      path: path,
      what: "it is cut short: its payload ends at byte \(payload.upperBound), and the file has \(size)"
    )
  }

  /// By the magic number of an Image (Documentation/arch/arm64/booting.rst, Documentation/arch/riscv/boot-image-header.rst).
  static func image(_ head: [UInt8]) -> KernelFormat? {
    guard head.count > 0x40 else { return nil }
    switch Array(head[0x38..<0x3c]) {
    case Array("ARMd".utf8): return .arm64
    case Array("RSC".utf8) + [0x05]: return .riscv
    default: return nil
    }
  }

  private static func isGzip(_ head: [UInt8]) -> Bool { head.starts(with: [0x1f, 0x8b]) }

  /// Of a gzip file: what its beginning unpacks to.
  private static func unpackedHead(_ path: String) throws -> [UInt8] {
    let packed = try Files.readHead(path, 0x10000)
    // It complains that the rest is missing.
    return try ToolRun.run("gzip", ["-dcq"], input: packed, allowFailure: true).output
  }

  /// - Throws: when guests of `architecture` cannot boot it, instead of a machine that stays silent.
  package func check(for architecture: Architecture) throws {
    // Without one it is no ELF file, or says nothing.
    let isForeignELF = machine.map { $0 != architecture.elfMachine && $0 != 0 } ?? false
    guard isForeignELF || !architecture.kernelFormats.contains(format) else { return }
    let owner = Architecture.all.first {
      $0.elfMachine == machine || machine == nil && $0.kernelFormats.contains(format)
    }
    let what: String
    if owner == architecture {
      what =
        "it is an ELF vmlinux, which QEMU does not boot for \(architecture): name the Image that was built beside it"
    } else if let owner {
      what =
        "it is one for \(owner.name), and the guest is \(architecture): set arch = \"\(owner.name)\" in its profile"
    } else {
      what = "it is one for another architecture, and the guest is \(architecture)"
    }
    throw ImageError.notAKernel(path: path, what: what)
  }

  /// The setup header points to the version text, 0x200 before the place it names (Documentation/arch/x86/boot.rst).
  private static func release(inSetup head: [UInt8]) -> String? {
    let offset = Int(head[0x20e]) | Int(head[0x20f]) << 8
    guard offset > 0, offset + 0x200 < head.count else { return nil }
    let text = head[(offset + 0x200)...].prefix { $0 > 0x20 && $0 < 0x7f }
    return text.isEmpty ? nil : String(decoding: text, as: UTF8.self)
  }

  private static func guess(_ head: [UInt8]) -> String {
    if head.isEmpty { return "it is empty" }
    if head.starts(with: [0x1f, 0x8b]) {
      return "it is a gzip file (a kernel for another machine, or an initrd?)"
    }
    if head.starts(with: Array("0707".utf8)) { return "it is a cpio archive (the initrd?)" }
    if head.prefix(512).allSatisfy({ $0 >= 0x20 && $0 < 0x7f || $0 == 0x0a || $0 == 0x09 || $0 == 0x0d }) {
      return "it is a text file"
    }
    return "neither a bzImage nor an ELF vmlinux"
  }

  /// The module folder of the kernel's release where it usually is: the kernel's own folder, that of the file system around
  /// it, or the host's. nil: none of them is there.
  package var usualModules: String? {
    guard let release else { return nil }
    let own = Files.parent(of: path), root = Files.parent(of: own)
    return [
      own.hasSuffix("/\(release)") ? own : "", "\(root)/lib/modules/\(release)",
      "\(root)/usr/lib/modules/\(release)", "/lib/modules/\(release)",
    ]
    .first { !$0.isEmpty && Files.isDirectory("\($0)/kernel") }
  }

  // MARK: Unpacking

  /// The path in the cache, without an ending, of what is made from the file as it is now.
  func cached(in cache: String) throws -> String {
    let facts = try FileFacts(path)
    let name = SHA256.hex(Array("\(path) \(facts.size) \(facts.inode) \(facts.modifiedNanoseconds)".utf8))
    return "\(cache)/vmlinux/\(name.prefix(32))"
  }

  /// Unpacks the vmlinux of a bzImage into the cache, once: QEMU boots it a second or more sooner under emulation.
  /// - Returns: The path of the vmlinux, or the reason why it cannot be had. nil: the kernel is not a bzImage.
  package func unpack(into cache: String) throws -> Result<String, Packed>? {
    guard format == .bzImage else { return nil }
    let target = try cached(in: cache)
    if Files.exists(target) { return .success(target) }
    do {
      let vmlinux = try unpacked()
      try Files.createDirectories(Files.parent(of: target))
      try Files.replace(target, with: vmlinux)
      return .success(target)
    } catch let failure as ToolRun.Failure {
      return .failure(Packed(reason: "its vmlinux cannot be unpacked (\(failure))"))
    } catch let error as ImageError {
      return .failure(Packed(reason: "\(error)"))
    }
  }

  /// The vmlinux of a bzImage cannot be had.
  package struct Packed: Error {
    package let reason: String
  }

  private func unpacked() throws -> [UInt8] {
    let file = try Files.read(path)
    guard let range = Self.payload(inSetup: file), range.upperBound <= file.count else {
      throw ImageError.notAKernel(path: path, what: "its setup header names no payload")
    }
    let payload = Array(file[range])
    guard let tool = Self.decompressor(payload) else {
      throw ImageError.notAKernel(path: path, what: "its payload is packed in an unknown way")
    }
    // The last four bytes are the unpacked size, which decompressors take for trailing garbage.
    let run = try ToolRun.run(tool.name, tool.arguments, input: payload, allowFailure: true)
    guard run.output.starts(with: ELFKernel.magic) else {
      throw ImageError.notAKernel(
        path: path,
        what: "its payload is no vmlinux (\(tool.name): \(run.errorText.trimmed.prefix(100)))"
      )
    }
    if let problem = ELFKernel.problem(run.output) {
      throw ImageError.notAKernel(path: path, what: "its payload cannot be booted by itself: \(problem)")
    }
    return run.output
  }

  static func decompressor(_ payload: [UInt8]) -> (name: String, arguments: [String])? {
    let magics: [([UInt8], String, [String])] = [
      ([0x1f, 0x8b], "gzip", ["-dcq"]), ([0xfd, 0x37, 0x7a, 0x58, 0x5a], "xz", ["-dc", "--single-stream"]),
      ([0x28, 0xb5, 0x2f, 0xfd], "zstd", ["-dcq"]), ([0x02, 0x21, 0x4c, 0x18], "lz4", ["-dcq"]),
      ([0x5d, 0x00], "xz", ["-dc", "--format=lzma"]), ([0x42, 0x5a, 0x68], "bzip2", ["-dcq"]),
    ]
    return magics.first { payload.starts(with: $0.0) }.map { ($0.1, $0.2) }
  }
}
