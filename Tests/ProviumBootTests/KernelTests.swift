import Glibc
import ProviumArchitecture
import ProviumSystem
import Testing

@testable import ProviumBoot

/// A folder of the test's own, removed with it.
final class Scratch: Sendable {
  let path: String
  init() throws {
    path = "/tmp/provium-test-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    try Files.createDirectories(path)
  }
  deinit { try? Files.removeTree(path) }
  /// Keeps the folder until this call.
  func keep() {}

  func write(_ name: String, _ contents: [UInt8]) throws -> String {
    let file = "\(path)/\(name)"
    try Files.createDirectories(Files.parent(of: file))
    try Files.write(contents, to: file, mode: 0o644)
    return file
  }
  func write(_ name: String, _ text: String) throws -> String { try write(name, Array(text.utf8)) }
}

@Suite("A kernel file") struct KernelImageTests {
  @Test(
    "that is none is refused by what it is",
    arguments: [
      ([], "it is empty"), (Array("hello\n".utf8), "it is a text file"),
      ([0x1f, 0x8b, 8], "it is a gzip file"),
      (Array("070701".utf8), "it is a cpio archive"), ([0, 1, 2, 3], "neither a bzImage nor an ELF"),
    ] as [([UInt8], String)]
  )
  func refused(contents: [UInt8], reason: String) throws {
    let scratch = try Scratch()
    let path = try scratch.write("kernel", contents)
    let error = #expect(throws: ImageError.self) { try KernelImage(path) }
    #expect(error?.description.contains(reason) == true)
  }

  @Test("that is missing, or a folder, is refused") func missing() throws {
    let scratch = try Scratch()
    #expect(throws: ImageError.self) { try KernelImage("\(scratch.path)/none") }
    let error = #expect(throws: ImageError.self) { try KernelImage(scratch.path) }
    #expect(error?.description.contains("it is a directory") == true)
  }

  @Test("for arm64, also packed, is known, and refused for a guest of another architecture with what to do")
  func arm64() throws {
    let scratch = try Scratch()
    var image = [UInt8](repeating: 0, count: 0x20000)
    image.replaceSubrange(0x38..<0x3c, with: Array("ARMd".utf8))
    let packed = try ToolRun.run("gzip", ["-c"], input: image).output
    for contents in [image, packed] {
      let kernel = try KernelImage(try scratch.write("Image", contents))
      #expect(kernel.format == .arm64)
      try kernel.check(for: .aarch64)
      let error = #expect(throws: ImageError.self) { try kernel.check(for: .x86_64) }
      #expect(error?.description.contains("set arch = \"aarch64\"") == true)
      #expect(try kernel.unpack(into: scratch.path) == nil)
    }
  }

  @Test(
    "in ELF format is refused for a guest of another architecture than its own, with what to do",
    arguments: [
      (0, .x86_64, nil), (183, .x86_64, "set arch = \"aarch64\""),
      (183, .aarch64, "name the Image that was built beside it"),
      (243, .x86_64, "set arch = \"riscv64\""),
      (8, .x86_64, "it is one for another architecture, and the guest is x86_64"),
    ] as [(UInt8, Architecture, String?)]
  )
  func elf(machine: UInt8, guest: Architecture, advice: String?) throws {
    let scratch = try Scratch()
    var file: [UInt8] = [0x7f, 0x45, 0x4c, 0x46] + [UInt8](repeating: 0, count: 200)
    file[18] = machine
    let kernel = try KernelImage(try scratch.write("vmlinux", file))
    #expect(kernel.format == .elf && kernel.machine == UInt16(machine))
    guard let advice else { return try kernel.check(for: guest) }
    let error = #expect(throws: ImageError.self) { try kernel.check(for: guest) }
    #expect(error?.description.contains(advice) == true, "\(error?.description ?? "")")
  }

  @Test("of riscv64 is refused for a guest of another architecture, with what to do") func riscv() throws {
    let scratch = try Scratch()
    var image = [UInt8](repeating: 0, count: 0x1000)
    image.replaceSubrange(0x38..<0x3c, with: Array("RSC".utf8) + [0x05])
    let kernel = try KernelImage(try scratch.write("Image", image))
    #expect(kernel.format == .riscv)
    let error = #expect(throws: ImageError.self) { try kernel.check(for: .x86_64) }
    #expect(error?.description.contains("set arch = \"riscv64\"") == true)
  }

  @Test("in an EFI zboot image is unpacked, whatever packed it", arguments: ["gzip", "xz", "zstd"])
  func zboot(tool: String) throws {
    let scratch = try Scratch()
    var image = (0..<0x30000).map { UInt8(truncatingIfNeeded: $0 &* 7919 >> 3) }
    image.replaceSubrange(0x38..<0x3c, with: Array("ARMd".utf8))
    let payload = try ToolRun.run(tool, ["-c"], input: image).output + [0, 0, 3, 0]
    func word(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    let header =
      Array("MZ\0\0zimg".utf8) + word(0x200) + word(payload.count) + [UInt8](repeating: 0, count: 0x200 - 16)
    let kernel = try KernelImage(try scratch.write("vmlinuz.efi", header + payload))
    #expect(kernel.format == .arm64)
    let path = try #require(try kernel.unpackZboot(into: scratch.path))
    #expect(try Files.read(path) == image)
    let short = #expect(throws: ImageError.self) {
      try KernelImage(scratch.write("short.efi", header + payload.prefix(99)))
    }
    #expect(short?.description.contains("zboot image that is cut short") == true)
    let empty = #expect(throws: ImageError.self) {
      try KernelImage(scratch.write("other.efi", header + [UInt8](repeating: 1, count: payload.count)))
    }
    #expect(empty?.description.contains("without an Image") == true)
  }

  @Test("with its configuration inside tells it without a boot") func embeddedConfiguration() throws {
    let scratch = try Scratch()
    let packed = try ToolRun.run("gzip", ["-c"], input: Array("CONFIG_NET=y\nCONFIG_VETH=m\n".utf8)).output
    let noise = [UInt8](repeating: 7, count: 5000)
    var head = [UInt8](repeating: 0, count: 0x40)
    head.replaceSubrange(0x38..<0x3c, with: Array("ARMd".utf8))
    let image = head + noise + Array("IKCFG_ST is a mark".utf8) + noise + Array("IKCFG_ST".utf8) + packed
    for contents in [
      image + Array("IKCFG_ED".utf8),
      try ToolRun.run("gzip", ["-c"], input: image + Array("IKCFG_ED".utf8)).output,
    ] {
      let kernel = try KernelImage(scratch.write("\(contents.count)/Image", contents))
      let found = kernel.configuration(modules: nil, cache: "\(scratch.path)/cache")
      #expect(found?["VETH"] == "m" && found?["NET"] == "y")
      #expect(found == kernel.configuration(modules: nil, cache: "\(scratch.path)/cache"))
    }
    let without = try KernelImage(scratch.write("without/Image", image))
    for _ in 0..<2 { #expect(without.embeddedConfiguration(cache: "\(scratch.path)/cache") == nil) }
  }

  @Test("in bzImage format names its release") func release() throws {
    let scratch = try Scratch()
    var image = [UInt8](repeating: 0, count: 0x1000)
    image.replaceSubrange(0x202..<0x206, with: Array("HdrS".utf8))
    image[0x20e] = 0x00
    image[0x20f] = 0x03
    image.replaceSubrange(0x500..<0x50e, with: Array("6.1.0-test (me)".utf8.prefix(14)))
    let kernel = try KernelImage(try scratch.write("bzImage", image))
    #expect(kernel.format == .bzImage)
    #expect(kernel.release == "6.1.0-test")
  }
}

/// ELF files as kernels: a header, one program header, one note.
@Suite("A vmlinux") struct ELFKernelTests {
  static func file(
    type: UInt8 = 2,
    machine: UInt8 = 62,
    note: UInt8 = 18,
    owner: String = "Xen\0",
    offset: Int = 0x20000
  ) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: offset + 20)
    func set(_ at: Int, _ values: [UInt8]) { bytes.replaceSubrange(at..<at + values.count, with: values) }
    set(0, [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
    set(16, [type, 0, machine, 0])
    set(32, [64])
    set(54, [56, 0, 1, 0])
    set(64, [4])
    set(72, [UInt8(offset & 0xff), UInt8(offset >> 8 & 0xff), UInt8(offset >> 16)])
    set(96, [20])
    set(offset, [4, 0, 0, 0, 4, 0, 0, 0, note, 0, 0, 0] + Array(owner.utf8))
    return bytes
  }

  @Test("an ELF file is a kernel if it has a PVH note anywhere") func kernel() throws {
    let scratch = try Scratch()
    #expect(try KernelImage(try scratch.write("vmlinux", Self.file())).format == .elf)
    #expect(ELFKernel.problem(Self.file()) == nil)
    #expect(ELFKernel.problem(Self.file(machine: 183)) == "it is an ELF file, but no vmlinux for x86_64")
    let kernel = try KernelImage(try scratch.write("vmlinux", Self.file()))
    try kernel.check(for: .x86_64)
    let error = #expect(throws: ImageError.self) { try kernel.check(for: .aarch64) }
    #expect(error?.description.contains("set arch = \"x86_64\"") == true)
  }

  @Test("that QEMU cannot enter is refused before QEMU is asked") func refused() throws {
    let scratch = try Scratch()
    for (contents, reason) in [
      (Self.file(type: 3), "an ELF program or library"),
      (Self.file(note: 17), "without a PVH note"), (Self.file(owner: "GNU\0"), "without a PVH note"),
      (Array(Self.file().prefix(40)), "no vmlinux for x86_64"),
      (Array(Self.file().prefix(70)), "outside the file"),
      (Array(Self.file().prefix(0x10000)), "without a PVH note"),
    ] {
      let path = try scratch.write("vmlinux", contents)
      let error = #expect(throws: ImageError.self) { try KernelImage(path) }
      #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
    }
  }

  @Test("in a bzImage that is cut short is refused with both lengths") func cut() throws {
    let scratch = try Scratch()
    var image = [UInt8](repeating: 0, count: 0x1000)
    image.replaceSubrange(0x202..<0x206, with: Array("HdrS".utf8))
    image[0x206] = 0x0f
    image[0x207] = 0x02
    image[0x1f1] = 1
    image[0x24d] = 0x20
    let path = try scratch.write("bzImage", image)
    let error = #expect(throws: ImageError.self) { try KernelImage(path) }
    #expect(
      error?.description.contains("its payload ends at byte \(0x400 + 0x2000), and the file has \(0x1000)")
        == true
    )
  }
}

@Suite("The entry of a bzImage") struct KernelEntriesTests {
  /// A bzImage whose payload is a vmlinux.
  private func bzImage(_ scratch: Scratch) throws -> String {
    let payload = try ToolRun.run("gzip", ["-c"], input: ELFKernelTests.file()).output
    var image = [UInt8](repeating: 0, count: 0x400) + payload
    image.replaceSubrange(0x202..<0x206, with: Array("HdrS".utf8))
    image.replaceSubrange(0x206..<0x208, with: [0x0f, 0x02])
    image[0x1f1] = 1
    image.replaceSubrange(0x24c..<0x250, with: (0..<4).map { UInt8(payload.count >> (8 * $0) & 0xff) })
    return try scratch.write("bzImage", image)
  }

  @Test("is its vmlinux, until that is known not to boot; a copy of the kernel is the same kernel")
  func remembered() throws {
    let scratch = try Scratch()
    var source = BootSource()
    source.kernel = try bzImage(scratch)
    let builder = ImageBuilder(cache: "\(scratch.path)/cache")
    let image = try builder.build(source, drivers: [])
    #expect(image.kernel != source.kernel)
    let bzImage = try #require(image.bzImage)
    #expect(bzImage.path == source.kernel)
    builder.entries.remember(bzImage)
    let again = try builder.build(source, drivers: [])
    #expect(again.kernel == source.kernel && again.bzImage == nil && again.remarks.isEmpty)
    source.kernel = try scratch.write("copy", try Files.read(bzImage.path))
    #expect(try builder.build(source, drivers: []).kernel == source.kernel)
    // Another kernel is not affected.
    source.kernel = try scratch.write("other", try Files.read(bzImage.path) + [0])
    #expect(try builder.build(source, drivers: []).bzImage != nil)
  }
}

@Suite("A module tree") struct ModuleTreeTests {
  private func tree(_ scratch: Scratch, dep: String, builtin: String = "") throws -> ModuleTree {
    for line in dep.split(separator: "\n") {
      guard let path = line.split(separator: ":").first else { continue }
      _ = try scratch.write("6.1.0/\(path)", "module")
    }
    _ = try scratch.write("6.1.0/modules.dep", dep)
    _ = try scratch.write("6.1.0/modules.builtin", builtin)
    return try ModuleTree("\(scratch.path)/6.1.0")
  }

  @Test("loads what is needed first, from right to left, each once") func order() throws {
    let scratch = try Scratch()
    let tree = try tree(
      scratch,
      dep: """
        kernel/virtio_pci.ko: kernel/virtio-legacy.ko kernel/virtio.ko kernel/virtio_ring.ko
        kernel/virtio-legacy.ko: kernel/virtio.ko kernel/virtio_ring.ko
        kernel/virtio.ko: kernel/virtio_ring.ko
        kernel/virtio_ring.ko:
        kernel/virtio_console.ko: kernel/virtio.ko kernel/virtio_ring.ko
        """
    )
    #expect(
      try tree.loadOrder(["virtio_pci", "virtio_console"])
        == ["virtio_ring", "virtio", "virtio_legacy", "virtio_pci", "virtio_console"]
    )
  }

  @Test("leaves out what is built in, and names what is missing") func missing() throws {
    let scratch = try Scratch()
    let tree = try tree(scratch, dep: "kernel/a.ko:\n", builtin: "kernel/virtio-pci.ko\n")
    #expect(try tree.loadOrder(["virtio_pci", "a"]) == ["a"])
    let error = #expect(throws: ImageError.self) { try tree.loadOrder(["virtio_console"]) }
    #expect(error?.description.contains("virtio_console (CONFIG_VIRTIO_CONSOLE)") == true)
  }

  @Test("without modules.dep reads what the modules themselves say") func modinfo() throws {
    let scratch = try Scratch()
    _ = try scratch.write(
      "6.1.0/kernel/fs/ext4.ko",
      "\u{7f}ELF\0license=GPL\0depends=jbd2,mbcache\0softdep=pre: crc32c\0x"
    )
    for name in ["jbd2", "mbcache", "crc32c"] {
      _ = try scratch.write("6.1.0/kernel/\(name).ko", "\0depends=\0")
    }
    let tree = try ModuleTree("\(scratch.path)/6.1.0")
    #expect(try tree.loadOrder(["ext4"]) == ["crc32c", "jbd2", "mbcache", "ext4"])
  }

  @Test("that is none says why") func none() throws {
    let scratch = try Scratch()
    #expect(throws: ImageError.self) { try ModuleTree("\(scratch.path)/none") }
    #expect(throws: ImageError.self) { try ModuleTree(scratch.path) }
  }
}

@Suite("A root disk") struct RootDiskTests {
  @Test("is told by its magic number") func known() throws {
    let scratch = try Scratch()
    var ext4 = [UInt8](repeating: 0, count: 4096)
    ext4.replaceSubrange(0x438..<0x43a, with: [0x53, 0xef])
    let path = try scratch.write("ext4", ext4)
    #expect(try RootDisk.drivers(for: path) == ["ext4"])
    let squashfs = try scratch.write("squashfs", "hsqs" + String(repeating: " ", count: 100))
    #expect(try RootDisk.drivers(for: squashfs) == ["squashfs"])
  }

  @Test("with partitions, or of another format, is refused with what to do") func refused() throws {
    let scratch = try Scratch()
    var table = [UInt8](repeating: 0, count: 4096)
    table.replaceSubrange(510..<512, with: [0x55, 0xaa])
    for (name, contents, advice) in [
      ("mbr", table, "partition table"), ("qcow2", Array("QFI\u{fb}".utf8), "qcow2"),
      ("zeros", [0, 0], "no known file system"),
    ] {
      let path = try scratch.write(name, contents)
      let error = #expect(throws: ImageError.self) { try RootDisk.drivers(for: path) }
      #expect(error?.description.contains(advice) == true)
    }
  }
}

@Suite("SHA-256") struct SHA256Tests {
  @Test(
    "of the standard's own examples",
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
    ]
  )
  func vectors(text: String, expected: String) { #expect(SHA256.hex(Array(text.utf8)) == expected) }

  @Test("of a million letters, also from a file") func million() throws {
    let bytes = [UInt8](repeating: 0x61, count: 1_000_000)
    let expected = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
    #expect(SHA256.hex(bytes) == expected)
    let scratch = try Scratch()
    let path = try scratch.write("a", bytes)
    #expect(try SHA256.hex(file: path) == expected)
  }
}

@Suite("An image") struct ImageBuilderTests {
  private func kernel(_ scratch: Scratch) throws -> String {
    try scratch.write("vmlinux", ELFKernelTests.file())
  }

  @Test("is the user's initrd, padding, and the shim; the same is made once") func joined() throws {
    let scratch = try Scratch()
    var source = BootSource()
    source.kernel = try kernel(scratch)
    var archive = CpioArchive()
    archive.addFile("odd", Array("one".utf8))
    let initrd = archive.bytes
    source.initrd = try scratch.write("initrd", initrd)
    source.files = [GuestFile("/etc/motd", "hello", mode: 0o600)]
    let builder = ImageBuilder(cache: "\(scratch.path)/cache")
    let image = try builder.build(source, drivers: [])
    let bytes = try Files.read(image.initrd)
    #expect(bytes.starts(with: initrd + [0, 0, 0, 0]))
    #expect(Array(bytes[512..<518]) == Array("070701".utf8))
    let text = String(decoding: bytes, as: UTF8.self)
    #expect(text.contains(".provium/files/etc/motd\0"))
    #expect(text.contains("provium-wrapper\0"))
    #expect(image.append.contains("rdinit=/provium-wrapper"))
    #expect(!image.append.contains("cryptomgr"))
    #expect(try builder.build(source, drivers: []).initrd == image.initrd)
    source.files = [GuestFile("/etc/motd", "changed", mode: 0o600)]
    #expect(try builder.build(source, drivers: []).initrd != image.initrd)
  }

  @Test("holds two files whose names only look the same, each in a folder of its own") func lookalikes()
    throws
  {
    let scratch = try Scratch()
    var source = BootSource()
    source.kernel = try kernel(scratch)
    for name in ["/\u{e9}/x", "/e\u{301}/x"] {
      source.files.append(GuestFile(name, name, mode: 0o600))
    }
    let bytes = try Files.read(
      try ImageBuilder(cache: "\(scratch.path)/cache").build(source, drivers: []).initrd
    )
    for name in ["\u{e9}", "e\u{301}", "\u{e9}/x", "e\u{301}/x"] {
      let entry = Array(".provium/files/\(name)\0".utf8)
      #expect(
        entry.withUnsafeBytes { entry in bytes.withUnsafeBytes { ByteSearch.find(entry, in: $0) } } != nil
      )
    }
  }

  @Test("is refused when its command line is longer than kernels take") func longCommandLine() throws {
    let scratch = try Scratch()
    var source = BootSource()
    source.kernel = try kernel(scratch)
    source.append = String(repeating: "x=1 ", count: 600)
    let error = #expect(throws: ImageError.self) {
      try ImageBuilder(cache: "\(scratch.path)/cache").build(source, drivers: [])
    }
    #expect(error?.description.contains("a kernel takes 2047: shorten append") == true)
  }

  @Test("boots from a root disk alone, and from the initramfs where there are both") func root() throws {
    let scratch = try Scratch()
    var source = BootSource()
    source.kernel = try kernel(scratch)
    source.initProgram = "/etc/start"
    var disk = [UInt8](repeating: 0, count: 4096)
    disk.replaceSubrange(0x438..<0x43a, with: [0x53, 0xef])
    source.rootfs = try scratch.write("disk", disk)
    let builder = ImageBuilder(cache: "\(scratch.path)/cache")
    let fromDisk = try builder.build(source, drivers: []).append
    #expect(fromDisk.contains("provium.root=/dev/vda") && fromDisk.contains("provium.init=/etc/start"))
    var archive = CpioArchive()
    archive.addFile("etc/start", [])
    source.initrd = try scratch.write("initrd", archive.finished())
    let fromInitramfs = try builder.build(source, drivers: []).append
    #expect(!fromInitramfs.contains("provium.root") && fromInitramfs.contains("provium.init=/etc/start"))
    // The disk is the initramfs's matter: it may have partitions, or nothing.
    source.rootfs = try scratch.write("empty", [UInt8](repeating: 0, count: 4096))
    #expect(try builder.build(source, drivers: []).append == fromInitramfs)
  }

  @Test("names what is missing") func missing() throws {
    let scratch = try Scratch()
    var source = BootSource()
    source.kernel = try kernel(scratch)
    source.initrd = "\(scratch.path)/none"
    let builder = ImageBuilder(cache: "\(scratch.path)/cache")
    let error = #expect(throws: ImageError.self) { try builder.build(source, drivers: []) }
    #expect(error?.description == "the initrd \(scratch.path)/none does not exist")
  }
}

@Suite("A path for an injected file") struct GuestPathTests {
  @Test(
    "has one spelling",
    arguments: [("/a", "/a"), ("//tmp//x", "/tmp/x"), ("/tmp/./y", "/tmp/y"), ("/./.x/..y", "/.x/..y")]
  )
  func spelling(path: String, expected: String) throws {
    #expect(try GuestPath(path).description == expected)
  }

  @Test(
    "that means no file is refused",
    arguments: [
      ("", "no absolute"), ("a", "no absolute"), ("/", "a directory"), ("/tmp/", "a directory"),
      ("/tmp/.", "a directory"),
      ("/..", "a directory"), ("/../../x", "contains '..'"), ("/a\0b", "NUL"),
      ("/" + String(repeating: "x", count: 256), "longer"),
      (String(repeating: "/xxx", count: 1001), "longer"),
    ]
  )
  func refused(path: String, reason: String) {
    let error = #expect(throws: GuestPath.Unusable.self) { try GuestPath(path) }
    #expect(error?.description.contains(reason) == true)
  }

  @Test("is told from one that only looks the same, and from one below it") func bytes() throws {
    #expect(try GuestPath("/\u{e9}") != GuestPath("/e\u{301}"))
    #expect(try GuestPath("/tmp/x/y").fileAbove(among: [GuestPath("/tmp/x")]) == GuestPath("/tmp/x"))
    #expect(try GuestPath("/tmp/xy").fileAbove(among: [GuestPath("/tmp/x")]) == nil)
  }
}
