import ProviumSystem

/// The initramfs of the `default` profile: busybox, a few files in /etc, and modules that tests like to load. It has no init:
/// the wrapper mounts what scripts expect (`provium.mounts`), and stays as process 1.
package enum BusyboxUserland {
  /// Loadable by `modprobe` in the guest, where the kernel has them. Each costs boot time, so the list is short.
  package static let modules = [
    "dummy", "veth", "bridge", "tun", "loop", "brd", "null_blk", "zram", "overlay", "ext4", "vfat",
    "squashfs", "fuse",
  ]

  /// The archive's bytes.
  package static func archive(busybox: String, modules tree: ModuleTree) throws -> [UInt8] {
    var archive = CpioArchive()
    for folder in [
      "dev", "proc", "sys", "tmp", "run", "root", "mnt", "etc", "bin", "sbin", "usr/bin", "usr/sbin", "var",
    ] {
      archive.addDirectory(folder, mode: folder == "tmp" ? 0o1777 : 0o755)
    }
    // The kernel's console for process 1, before anything is mounted.
    archive.addCharacterDevice("dev/console", major: 5, minor: 1)
    archive.addCharacterDevice("dev/null", major: 1, minor: 3, mode: 0o666)
    let program = try Files.read(busybox)
    archive.addFile("bin/busybox", program, mode: 0o755)
    for applet in try applets(busybox) where applet != "busybox" {
      archive.addLink("bin/\(applet)", to: "busybox")
    }
    // Where the kernel looks for it when it needs a module.
    archive.addLink("sbin/modprobe", to: "../bin/busybox")
    for (path, text) in files { archive.addFile(path, Array(text.utf8)) }
    try addModules(tree, to: &archive)
    return archive.finished()
  }

  private static func applets(_ busybox: String) throws -> [String] {
    // A foreign busybox cannot be asked; this host's own, of the same package, knows the same applets.
    if let run = try? ToolRun.run(busybox, ["--list"], deadline: .after(.seconds(10))) {
      return run.outputText.split(separator: "\n").map(String.init)
    }
    return common
  }

  private static let common = """
    [ ash awk basename cat chgrp chmod chown chroot cp cut date dd df dirname dmesg du echo egrep env expr false find free grep \
    head hostname id insmod ip kill killall ln losetup ls lsmod mkdir mkfifo mknod mktemp modprobe mount mv nc nslookup pgrep \
    pidof ping pkill printf ps pwd readlink realpath rm rmdir rmmod route sed seq sh sleep sort stat stty sync sysctl tail tar \
    tee test time timeout top touch tr true tty umount uname uniq uptime vi wc which whoami xargs yes
    """.split(separator: " ").map(String.init)

  private static let files: [(String, String)] = [
    ("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"),
    ("etc/group", "root:x:0:\nnogroup:x:65534:\n"),
    ("etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"),
  ]

  private static func addModules(_ tree: ModuleTree, to archive: inout CpioArchive) throws {
    var listed: Set<String> = []
    var dependencies: [String] = []
    var aliases: [String] = []
    let folder = "lib/modules/\(tree.release)"
    for module in modules where tree.path(of: module) != nil {
      for name in try order(module, tree) where listed.insert(name).inserted {
        archive.addFile("\(folder)/\(name).ko", try tree.contents(of: name))
        let needed = try order(name, tree).filter { $0 != name }.reversed().map { "\($0).ko" }
        dependencies.append("\(name).ko: \(needed.joined(separator: " "))")
        aliases += try tree.aliases(of: name).map { "alias \($0) \(name)" }
      }
    }
    archive.addFile("\(folder)/modules.dep", Array((dependencies.joined(separator: "\n") + "\n").utf8))
    // The kernel requests some by an alias: `crypto-crc32c`, `fs-ext4`.
    archive.addFile("\(folder)/modules.alias", Array((aliases.joined(separator: "\n") + "\n").utf8))
  }

  /// The modules of the archive that a kernel has, with those that they need.
  static func order(_ tree: ModuleTree) throws -> [String] {
    try modules.filter { tree.path(of: $0) != nil }.flatMap { try order($0, tree) }.uniqued()
  }

  /// A module and the modules that it needs. Soft dependencies become dependencies, since busybox's modprobe knows no
  /// others; those that a processor may refuse are left out: their failure would be a failure of the
  /// module.
  private static func order(_ module: String, _ tree: ModuleTree) throws -> [String] {
    try tree.loads([module]).filter { load in
      !load.isOptional
        || ["kernel/arch/", "kernel/drivers/"].allSatisfy {
          tree.path(of: load.name)?.hasPrefix($0) != true
        }
    }.map(\.name)
  }
}
