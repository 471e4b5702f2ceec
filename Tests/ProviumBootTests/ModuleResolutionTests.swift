import ProviumSystem
import Testing

@testable import ProviumBoot

/// A module folder `ROOT/lib/modules/6.1.0` of a test.
private struct Folder {
  let scratch: Scratch
  var directory: String { "\(scratch.path)/lib/modules/6.1.0" }

  init(_ files: [String: String]) throws {
    scratch = try Scratch()
    for (name, text) in files {
      _ = try scratch.write(name.hasPrefix("/") ? "\(name.dropFirst())" : "lib/modules/6.1.0/\(name)", text)
    }
  }

  var tree: ModuleTree { get throws { try ModuleTree(directory) } }
}

@Suite("Names of modules") struct ModuleResolutionTests {
  /// The lists that depmod writes for ext4 on a stock kernel, where ext4 needs a cipher by an alias.
  private static let listed = [
    "kernel/fs/ext4.ko": "x", "kernel/fs/jbd2.ko": "x", "kernel/crypto/crc32c_generic.ko": "x",
    "kernel/arch/x86/crypto/crc32c-intel.ko": "x",
    "modules.dep": """
    kernel/fs/ext4.ko: kernel/fs/jbd2.ko
    kernel/fs/jbd2.ko:
    kernel/crypto/crc32c_generic.ko:
    kernel/arch/x86/crypto/crc32c-intel.ko:

    """,
    "modules.softdep": "# Soft dependencies\nsoftdep ext4 pre: crypto-crc32c\n",
    "modules.alias": """
    # Aliases
    alias fs-ext4 ext4
    alias crypto-crc32c crc32c_generic
    alias crypto-crc32c crc32c_intel
    alias crypto-crc3*-never other

    """,
  ]

  @Test("a soft dependency on an alias loads every module of the alias, which the kernel may refuse")
  func softDependency() throws {
    let folder = try Folder(Self.listed)
    defer { folder.scratch.keep() }
    let loads = try folder.tree.loads(["ext4"])
    #expect(loads.map(\.name) == ["crc32c_generic", "crc32c_intel", "jbd2", "ext4"])
    #expect(loads.map(\.isOptional) == [true, true, false, false])
  }

  @Test("an alias names its modules, with - and _ alike") func alias() throws {
    let folder = try Folder(Self.listed)
    defer { folder.scratch.keep() }
    let tree = try folder.tree
    #expect(try tree.loadOrder(["fs_ext4"]) == tree.loadOrder(["ext4"]))
    #expect(try tree.loadOrder(["crypto-crc32c"]) == ["crc32c_generic", "crc32c_intel"])
    #expect(try tree.modules(for: "crypto_crc64") == nil)
  }

  @Test("a driver that is built in answers to an alias, and nothing is loaded for it") func builtIn() throws {
    let folder = try Folder([
      "modules.builtin": "kernel/crypto/crc32c_generic.ko\n",
      "modules.builtin.modinfo":
        "crc32c_generic.license=GPL\0crc32c_generic.alias=crypto-crc32c\0crc32c_generic.alias=crc32c\0",
      "modules.dep": "kernel/fs/ext4.ko:\n", "kernel/fs/ext4.ko": "x",
      "modules.softdep": "softdep ext4 pre: crypto-crc32c nothing-at-all post: fs-none\n",
    ])
    #expect(try folder.tree.loadOrder(["ext4"]) == ["ext4"])
    #expect(try folder.tree.modules(for: "crypto_crc32c") == [])
  }

  @Test("without depmod's lists, aliases and soft dependencies are read from the modules, packed or not")
  func withoutLists() throws {
    for tool in ["", "xz", "gzip"] {
      let folder = try Folder([:])
      func module(_ path: String, _ text: String) throws {
        let elf: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0] + [UInt8](repeating: 0, count: 8) + [1, 0]
        let file = try folder.scratch.write("lib/modules/6.1.0/kernel/\(path).ko", elf + Array(text.utf8))
        if tool != "" { _ = try ToolRun.run(tool, [file]) }
      }
      try module("fs/ext4", "\0softdep=pre: crypto-crc32c post: crypto-late\0depends=jbd2\0name=ext4\0")
      try module("fs/jbd2", "\0depends=\0name=jbd2\0")
      try module(
        "crypto/crc32c_generic",
        "\0alias=crypto-crc32c\0alias=crc32c\0depends=\0name=crc32c_generic\0"
      )
      try module("arch/x86/crypto/crc32c-intel", "\0alias=crypto-crc32c\0depends=\0name=crc32c_intel\0")
      try module("crypto/late", "\0alias=crypto-late\0depends=\0name=late\0")
      try module("drivers/crypto/card", "\0alias=crypto-crc32c\0depends=\0name=card\0")
      #expect(
        try folder.tree.loadOrder(["ext4"]) == ["crc32c_intel", "crc32c_generic", "jbd2", "ext4", "late"],
        "\(tool)"
      )
    }
  }

  @Test("the rules of the tree's modprobe.d count: alias, softdep, options, blacklist, install")
  func rules() throws {
    let rules = """
      # A comment
      alias disk ext4
      softdep jbd2 \\
        post: crc32c_intel
      options ext4 a=1 b=2
      options ext4 c=3
      blacklist crc32c_generic
      """
    let folder = try Folder(Self.listed.merging(["/etc/modprobe.d/site.conf": rules]) { $1 })
    let loads = try folder.tree.loads(["disk"])
    #expect(loads.map(\.name) == ["crc32c_intel", "jbd2", "ext4"])
    #expect(loads.last?.parameters == "a=1 b=2 c=3")
    // A file hides one of its name in a folder of less precedence.
    let hidden = ["/lib/modprobe.d/site.conf": "install ext4 /bin/false\n"]
    let both = try Folder(
      Self.listed.merging(["/etc/modprobe.d/site.conf": rules]) { $1 }.merging(hidden) { $1 }
    )
    #expect(try both.tree.loadOrder(["ext4"]).last == "ext4")
  }

  @Test("a module that modprobe.d disables is an error if it is needed, and is left out if it is not")
  func disabled() throws {
    let file = "/usr/lib/modprobe.d/off.conf"
    let optional = try Folder(Self.listed.merging([file: "install crc32c-intel /bin/true\n"]) { $1 })
    #expect(try optional.tree.loadOrder(["ext4"]) == ["crc32c_generic", "jbd2", "ext4"])
    let needed = try Folder(Self.listed.merging([file: "install jbd2 /bin/false\n"]) { $1 })
    let error = #expect(throws: ImageError.self) { try needed.tree.loadOrder(["ext4"]) }
    #expect(error?.description.contains("a modprobe.d of the tree of") == true)
  }

  @Test("a module that is needed is not optional, also if an alias names it first") func promoted() throws {
    let folder = try Folder(Self.listed)
    defer { folder.scratch.keep() }
    let tree = try folder.tree
    let loads = try tree.loads(["ext4", "crc32c_intel"])
    #expect(loads.first { $0.name == "crc32c_intel" }?.isOptional == false)
    #expect(loads.first { $0.name == "crc32c_generic" }?.isOptional == true)
  }

  @Test("modules that depend on each other in a circle end, each once") func circle() throws {
    let folder = try Folder([
      "modules.dep": "kernel/a.ko: kernel/b.ko\nkernel/b.ko: kernel/a.ko\n", "kernel/a.ko": "x",
      "kernel/b.ko": "x", "modules.softdep": "softdep a pre: a b\n",
    ])
    #expect(try folder.tree.loadOrder(["a"]).sorted() == ["a", "b"])
  }
}

@Suite("A modules.dep") struct DependencyListTests {
  private func message(_ files: [String: String], _ module: String = "virtio_pci") throws -> String {
    let folder = try Folder(files)
    let error = #expect(throws: ImageError.self) { try folder.tree.loadOrder([module]) }
    return (error?.description ?? "").split(separator: folder.scratch.path).joined()
  }

  @Test("that is empty beside modules is an error with the command to run") func empty() throws {
    let text = try message(["modules.dep": "", "kernel/drivers/virtio-pci.ko.gz": "x", "modules.builtin": ""])
    #expect(
      text
        == "/lib/modules/6.1.0/modules.dep does not fit the modules: it names no module, and "
        + "kernel/drivers/virtio-pci.ko.gz is there; run depmod -b  6.1.0, or remove modules.dep: "
        + "Provium then reads the modules themselves"
    )
  }

  @Test(
    "that names files which are gone, or lacks files which are there, is an error with the command to run"
  )
  func stale() throws {
    let gone = try message([
      "modules.dep": "kernel/virtio_pci.ko: kernel/virtio.ko\nkernel/virtio.ko:\n",
      "kernel/virtio.ko.zst": "x",
      "kernel/virtio_pci.ko": "x",
    ])
    #expect(gone.contains("it names kernel/virtio.ko, which is not there (virtio.ko.zst is); run depmod"))
    let lacking = try message([
      "modules.dep": "kernel/a.ko:\n", "kernel/a.ko": "", "kernel/virtio_pci.ko": "x",
    ])
    #expect(lacking.contains("it does not name kernel/virtio_pci.ko, which is there; run depmod"))
  }

  @Test("of a kernel without modules may be empty; a driver that is missing is named as such") func none()
    throws
  {
    let folder = try Folder(["modules.dep": "", "modules.builtin": "kernel/virtio_pci.ko\n"])
    #expect(try folder.tree.loadOrder(["virtio_pci"]) == [])
    let text = try message(["modules.dep": "", "modules.builtin": "kernel/a.ko\n"])
    #expect(text.contains("the kernel lacks the driver virtio_pci (CONFIG_VIRTIO_PCI)"))
    let unknown = try message(["kernel/a.ko": "x"])
    #expect(unknown.contains("which lacks modules.builtin, the list of the drivers that are built in"))
  }
}

@Suite("Packages of a kernel") struct KernelPackagesTests {
  @Test("are the dependencies that carry its release, wherever the distribution has the parts") func names() {
    let debian = """
      linux-image-7.2.13+deb14-cloud-amd64
        PreDepends: linux-base
       |Depends: dracut
       |Depends: initramfs-tools
        Depends: <linux-initramfs-tool>
          dracut
          initramfs-tools
        Depends: linux-base-7.2.13+deb14-cloud-amd64
        Depends: linux-binary-7.2.13+deb14-cloud-amd64
        Depends: linux-modules-7.2.13+deb14-cloud-amd64
      """
    #expect(
      PackageSource.companions(
        among: PackageSource.dependencies(in: debian),
        release: "7.2.13+deb14-cloud-amd64"
      )
        == ["base", "binary", "modules"].map { "linux-\($0)-7.2.13+deb14-cloud-amd64" }
    )
    let ubuntu = "linux-image-6.8.0-31-generic\n  Depends: kmod\n  Depends: linux-modules-6.8.0-31-generic\n"
    #expect(
      PackageSource.companions(among: PackageSource.dependencies(in: ubuntu), release: "6.8.0-31-generic")
        == ["linux-modules-6.8.0-31-generic"]
    )
    #expect(PackageSource.release(ofImage: "linux-image-unsigned-6.8.0-31-generic") == "6.8.0-31-generic")
  }

  @Test(
    "have the kernel in /boot or beside the modules, and the modules below /lib or /usr/lib",
    arguments: [
      ["boot/vmlinuz-7.2", "lib/modules/7.2/kernel/a.ko"],
      ["usr/lib/modules/7.2/vmlinuz", "usr/lib/modules/7.2/kernel/a.ko"],
      ["lib/modules/7.2/vmlinuz", "lib/modules/7.2/modules.builtin"],
    ]
  )
  func parts(files: [String]) throws {
    let scratch = try Scratch()
    for file in files { _ = try scratch.write(file, "x") }
    let found = KernelFolder(scratch.path, release: "7.2")
    #expect(found.kernel == "\(scratch.path)/\(files[0])")
    #expect(found.modules.map { "\(scratch.path)/\(files[1])".hasPrefix("\($0)/") } == true)
    #expect(KernelFolder(scratch.path, release: "7.3").kernel == nil)
  }
}
