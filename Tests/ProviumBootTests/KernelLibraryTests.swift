import ProviumArchitecture
import ProviumSystem
import Testing

@testable import ProviumBoot

@Suite("The name of a Debian kernel") struct DebianKernelNameTests {
  private static let names = [
    "linux-image-6.1.0-9-amd64", "linux-image-6.1.0-56-amd64", "linux-image-6.1.0-56-rt-amd64",
    "linux-image-6.1.0-56-cloud-amd64", "linux-image-6.1.0-57-amd64-dbg",
    "linux-image-6.1.0-57-amd64-unsigned",
    "linux-image-6.12.107+deb12-amd64", "linux-image-6.12.117+deb12-amd64",
    "linux-image-6.12.117+deb12-rt-amd64",
    "linux-image-6.12-amd64", "linux-image-amd64", "linux-image-cloud-amd64", "linux-image-6.8.0-31-generic",
    "linux-image-unsigned-6.8.0-31-generic", "linux-image-6.8.0-31-lowlatency",
  ]

  @Test(
    "means the newest package of its version and flavour",
    arguments: [
      ("6.1", "6.1.0-56-amd64"), ("6.1-rt", "6.1.0-56-rt-amd64"), ("6.1-cloud", "6.1.0-56-cloud-amd64"),
      ("6.12", "6.12.117+deb12-amd64"), ("6.12.107", "6.12.107+deb12-amd64"), ("6.1.0-9", "6.1.0-9-amd64"),
      ("6.1.0-56-cloud-amd64", "6.1.0-56-cloud-amd64"), ("6.1.0-56-cloud", "6.1.0-56-cloud-amd64"),
      ("6.8", "6.8.0-31-generic"), ("6.8-lowlatency", "6.8.0-31-lowlatency"),
    ]
  )
  func found(spec: String, release: String) {
    let known = DebianKernelName(Self.names, architecture: "amd64")
    #expect(known.package(for: spec) == "linux-image-\(release)")
  }

  @Test(
    "that fits no package means nothing",
    arguments: ["", "6", "6.", "6.1.", "6.13", "5.10", "6.1-fast", "6.1.0-5", "-", "amd64", "6.1-"]
  )
  func unknown(spec: String) {
    let known = DebianKernelName(Self.names, architecture: "amd64")
    #expect(known.package(for: spec) == (spec == "6" ? "linux-image-6.12.117+deb12-amd64" : nil))
  }

  @Test("the short names are listed once each") func names() {
    let known = DebianKernelName(Self.names, architecture: "amd64")
    #expect(
      known.names == ["6.1", "6.1-cloud", "6.1-rt", "6.12", "6.12-rt", "6.8", "6.8-lowlatency"]
    )
  }
}

@Suite("A kernel build tree") struct KernelBuildTreeTests {
  /// A tree as `make` leaves it, with a kernel that is a bzImage by its head.
  private static func tree(_ scratch: Scratch, modules: [String: String] = [:], order: String? = nil) throws {
    _ = try scratch.write("Makefile", "VERSION = 6\n")
    _ = try scratch.write("Kconfig", "")
    _ = try scratch.write("arch/Kconfig", "")
    _ = try scratch.write("kernel/sched/core.c", "")
    _ = try scratch.write(".config", "CONFIG_MODULES=y\n")
    _ = try scratch.write("include/config/kernel.release", "6.9.0-test\n")
    _ = try scratch.write("arch/x86/boot/bzImage", "x")
    for (name, text) in modules { _ = try scratch.write(name, text) }
    if let order { _ = try scratch.write("modules.order", order) }
  }

  @Test("that was configured without what a VM needs is refused with all options that are missing")
  func drivers()
    throws
  {
    let scratch = try Scratch()
    try Self.tree(scratch)
    let tree = try #require(KernelBuildTree(scratch.path))
    func complaint(_ configuration: String) throws -> String {
      _ = try scratch.write(".config", configuration)
      do { try tree.check(drivers: ["virtio_pci", "virtio_console", "virtio_net"]) } catch {
        return "\(error)"
      }
      return "accepted"
    }
    let basis = "CONFIG_BLK_DEV_INITRD=y\nCONFIG_BINFMT_ELF=y\nCONFIG_VIRTIO_PCI=y\n"
    #expect(
      try complaint("CONFIG_BLK_DEV_INITRD=y\nCONFIG_VIRTIO_NET=m\nCONFIG_VIRTIO_PCI=y\n").contains(
        "lacks what a VM needs: CONFIG_BINFMT_ELF, CONFIG_VIRTIO_CONSOLE, CONFIG_VIRTIO_NET; run make"
      )
    )
    #expect(try complaint(basis + "CONFIG_VIRTIO_CONSOLE=y\nCONFIG_VIRTIO_NET=y\n") == "accepted")
    // A module serves where the modules are built.
    _ = try scratch.write("modules.order", "drivers/net/virtio_net.o\n")
    #expect(try complaint(basis + "CONFIG_VIRTIO_CONSOLE=y\nCONFIG_VIRTIO_NET=m\n") == "accepted")
    #expect(try complaint("") == "accepted", "a tree without .config says nothing")
  }

  @Test(
    "gives its kernel, its release and its modules in place, by either form of modules.order",
    arguments: ["fs/ext4/ext4.o\nlib/crc.o\n", "kernel/fs/ext4/ext4.ko\nkernel/lib/crc.ko\n"]
  )
  func whole(order: String) throws {
    let scratch = try Scratch()
    let modules = [
      "fs/ext4/ext4.ko": "\0depends=\0softdep=pre: crypto-crc\0name=ext4\0",
      "lib/crc.ko": "\0depends=\0alias=crypto-crc\0name=crc\0",
      "modules.builtin": "kernel/drivers/virtio_pci.ko\n",
      "other/left-over.ko": "",
    ]
    try Self.tree(scratch, modules: modules, order: order)
    let kernel = try #require(KernelBuildTree(scratch.path)).built(for: .x86_64)
    #expect(kernel.kernel == "\(scratch.path)/arch/x86/boot/bzImage")
    #expect(kernel.release == "6.9.0-test" && kernel.modules == scratch.path)
    let tree = try ModuleTree(scratch.path)
    #expect(tree.release == "6.9.0-test")
    #expect(try tree.loadOrder(["ext4", "virtio_pci"]) == ["crc", "ext4"])
    #expect(tree.path(of: "ext4") == "fs/ext4/ext4.ko" && tree.path(of: "left_over") == nil)
  }

  @Test("that is not built, half built, or built for another architecture says so, and what to run")
  func partial()
    throws
  {
    func reason(_ change: (Scratch) throws -> Void, _ architecture: Architecture = .x86_64) throws -> String {
      let scratch = try Scratch()
      try Self.tree(scratch)
      try change(scratch)
      let tree = try #require(KernelBuildTree(scratch.path))
      let error = #expect(throws: ImageError.self) { try tree.built(for: architecture) }
      return error?.description ?? ""
    }
    #expect(try reason { _ in }.contains("its modules are not built: run make -C"))
    #expect(try reason { try Files.removeTree("\($0.path)/arch/x86") }.contains("its kernel is not built"))
    #expect(
      try reason {
        try Files.removeTree("\($0.path)/arch/x86")
        try Files.removeTree("\($0.path)/.config")
      }.contains("no kernel is configured there")
    )
    #expect(try reason({ _ in }, .aarch64).contains("set arch = \"x86_64\""))
    #expect(
      try reason { try Files.removeTree("\($0.path)/include") }.contains(
        "lacks include/config/kernel.release"
      )
    )
  }

  @Test("is a source folder or an output folder, and no other one") func kinds() throws {
    let scratch = try Scratch()
    _ = try scratch.write("a/Makefile", "")
    _ = try scratch.write("out/Makefile", "")
    _ = try scratch.write("out/.config", "")
    _ = try scratch.write("out/source", "")
    #expect(KernelBuildTree("\(scratch.path)/a") == nil)
    #expect(KernelBuildTree("\(scratch.path)/none") == nil)
    #expect(KernelBuildTree("\(scratch.path)/out") != nil)
  }
}

@Suite("The library of kernels") struct KernelLibraryTests {
  private func library(_ scratch: Scratch) -> KernelLibrary {
    KernelLibrary(cache: "\(scratch.path)/cache", architecture: .x86_64)
  }

  private func folder(_ scratch: Scratch, _ name: String, releases: [String]) throws -> String {
    for release in releases {
      _ = try scratch.write("\(name)/boot/vmlinuz-\(release)", "kernel")
      _ = try scratch.write("\(name)/lib/modules/\(release)/kernel/a.ko", "module")
    }
    return "\(scratch.path)/\(name)"
  }

  @Test("keeps a kernel that was added, under its release or a name, until it is removed") func added() throws
  {
    let scratch = try Scratch()
    let library = library(scratch)
    let folder = try folder(scratch, "f", releases: ["6.9.0"])
    #expect(try library.add([folder], name: nil, progress: { _ in }).name == "local:6.9.0")
    #expect(try library.add([folder], name: "mine", progress: { _ in }).name == "local:mine")
    // Again: it takes the place of the first one.
    _ = try library.add([folder], name: "mine", progress: { _ in })
    #expect(try library.entries().map(\.name) == ["local:6.9.0", "local:mine"])
    #expect(try library.entries().allSatisfy { $0.size > 0 && $0.release == "6.9.0" })
    try Files.removeTree(folder)
    let kernel = try library.find("local:mine")
    #expect(try Files.readText(kernel.kernel) == "kernel")
    #expect(try Files.exists("\(#require(kernel.modules))/kernel/a.ko"))
    #expect(try library.remove("local:mine") && !library.remove("local:mine"))
    let error = #expect(throws: ImageError.self) { try library.find("local:mine") }
    #expect(error?.description.contains("no kernel of that name was added") == true)
  }

  @Test("reads .deb packages, also where a kernel is split into several") func packages() throws {
    let scratch = try Scratch()
    func package(_ name: String, _ file: String) throws -> String {
      _ = try scratch.write(
        "\(name)/DEBIAN/control",
        "Package: \(name)\nVersion: 1\nArchitecture: all\nMaintainer: x\nDescription: x\n"
      )
      _ = try scratch.write("\(name)/\(file)", "x")
      _ = try ToolRun.run("dpkg-deb", ["-b", "\(scratch.path)/\(name)", "\(scratch.path)/\(name).deb"])
      return "\(scratch.path)/\(name).deb"
    }
    let binary = try package("linux-binary", "usr/lib/modules/7.2/vmlinuz")
    let modules = try package("linux-modules", "usr/lib/modules/7.2/kernel/a.ko")
    let library = library(scratch)
    #expect(try library.add([binary, modules], name: nil, progress: { _ in }).release == "7.2")
    #expect(try library.find(binary).kernel.hasSuffix("/usr/lib/modules/7.2/vmlinuz"))
    let error = #expect(throws: ImageError.self) { try library.add([modules], name: nil, progress: { _ in }) }
    #expect(error?.description.contains("add them together") == true)
  }

  @Test("finds the kernel of a folder by itself, and says what is wrong with one") func folders() throws {
    let scratch = try Scratch()
    let library = library(scratch)
    let one = try folder(scratch, "one", releases: ["6.9.0"])
    #expect(try library.find(one).kernel == "\(one)/boot/vmlinuz-6.9.0")
    let two = try folder(scratch, "two", releases: ["6.9.0", "6.10.0"])
    let several = #expect(throws: ImageError.self) { try library.find(two) }
    #expect(several?.description.contains("it holds several kernels (6.10.0, 6.9.0)") == true)
    try Files.createDirectories("\(scratch.path)/none")
    let none = #expect(throws: ImageError.self) { try library.find("\(scratch.path)/none") }
    #expect(none?.description.contains("it is a folder that is neither a kernel's build tree nor") == true)
    let broken = try scratch.write("broken.deb", "no package")
    let error = #expect(throws: ImageError.self) { try library.find(broken) }
    #expect(error?.description.contains("it cannot be unpacked") == true)
  }
}

@Suite("A kernel's name") struct KernelNameTests {
  @Test("is a path unless it has a prefix, and only a path starts at a folder") func kinds() {
    #expect(KernelName("deb:6.1") == .debian("6.1") && KernelName("local:x") == .local("x"))
    #expect(KernelName("build/bzImage") == .path("build/bzImage"))
    #expect(KernelName.resolve("deb:6.1", against: "/p") == "deb:6.1")
    #expect(KernelName.resolve(".", against: "/p") == "/p")
    #expect(KernelName.resolve("./a//b", against: "/p") == "/p/a/b")
    // `a` may be a symbolic link: only the host's kernel knows what its parent is.
    #expect(KernelName.resolve("a/../b", against: "/p") == "/p/a/../b")
  }
}
