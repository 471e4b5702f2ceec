import Foundation
import ProviumSystem
import Testing

/// Profiles of a user's own, made from the parts of the built-in one.
@Suite("A profile", .enabled(if: noMachines == nil, Comment(rawValue: noMachines ?? "")), .serialized)
struct ProfileTests {
  /// The kernel, its modules and busybox, as `provium doctor` leaves them in the cache.
  private struct Parts {
    let kernel: String
    let modules: String
    let busybox: String

    init(_ project: Project) throws {
      _ = try Command("doctor", in: project.path)
      let home = try #require(getenv("HOME").map { String(cString: $0) })
      let lines = try Files.readText("\(home)/.cache/provium/kernels/x86_64/prepared").split(separator: "\n")
      try #require(lines.count == 4)
      (kernel, modules, busybox) = (String(lines[0]), String(lines[1]), String(lines[2]))
    }

    /// A root file system with a shell, an init and a mark, as a folder.
    func tree(in project: Project) throws -> String {
      let tree = "\(project.path)/tree"
      for folder in ["bin", "sbin", "proc", "sys", "dev", "tmp", "etc"] {
        try Files.createDirectories("\(tree)/\(folder)")
      }
      try Files.write(try Files.read(busybox), to: "\(tree)/bin/busybox", mode: 0o755)
      for applet in ["sh", "cat", "sleep", "mount", "true"] { symlink("busybox", "\(tree)/bin/\(applet)") }
      let program = "#!/bin/sh\nmount -t proc proc /proc\nmount -t tmpfs none /tmp\nexec sleep 1000000\n"
      for name in ["init", "sbin/init"] {
        try Files.write(Array(program.utf8), to: "\(tree)/\(name)", mode: 0o755)
      }
      try Files.write(Array("the user's own\n".utf8), to: "\(tree)/etc/mark", mode: 0o644)
      return tree
    }
  }

  private func shell(_ script: String, in folder: String) throws {
    let path = ["PATH=/usr/bin:/bin:/usr/sbin:/sbin"]
    _ = try ToolRun.run("sh", ["-euc", script], directory: folder, environment: path)
  }

  @Test("may have an initrd in any format that the kernel unpacks; another one is refused with what to do")
  func initrds() throws {
    let project = try Project(["given": "by the test\n"])
    let parts = try Parts(project)
    let tree = try parts.tree(in: project)
    try shell(
      """
      (cd \(tree) && find . | \(parts.busybox) cpio -o -H newc) > plain 2>/dev/null
      gzip -c plain > gzip; zstd -qc plain > zstd; lz4 -qlc plain > lz4
      bzip2 -c plain > bzip2; lzma -0c plain > lzma; lzop -qc plain > lzo
      xz -0 --check=crc32 -c plain > xz; xz -0 --check=crc64 -c plain > crc64; lz4 -qc plain > frame
      """,
      in: project.path
    )
    var configuration = "[provium]\ntests = [\"tests\"]\n"
    for name in ["plain", "gzip", "bzip2", "lzma", "xz", "lzo", "lz4", "zstd", "crc64", "frame"] {
      configuration +=
        "[profile.\(name)]\nkernel = \"\(parts.kernel)\"\nmodules = \"\(parts.modules)\"\ninitrd = \"\(name)\"\n"
    }
    try Files.write(Array(configuration.utf8), to: "\(project.path)/provium.toml", mode: 0o644)
    try Files.createDirectories("\(project.path)/tests")
    let script = """
      for _, name in ipairs{ "plain", "gzip", "bzip2", "lzma", "xz", "lzo", "lz4", "zstd" } do
        test(name, function()
          local vm = provium.create(name):boot{ memory = "192M", files = { ["/etc/given"] = "given" } }
          local r = vm:exec("cat /etc/mark /etc/given")
          assert_eq("the user's own\\nby the test\\n", r.stdout)
          vm:wait_until(function() return tostring(vm:exec("cat /proc/1/comm").stdout) == "sleep\\n" end)
          vm:kill()
        end)
      end
      for name, advice in pairs{ crc64 = "--check=crc32", frame = "lz4 -l" } do
        test(name, function() assert_error(function() provium.create(name):boot() end, advice) end)
      end
      """
    try Files.write(Array(script.utf8), to: "\(project.path)/tests/a.lua", mode: 0o644)
    let command = try Command("test", in: project.path, seconds: 120)
    #expect(command.status == .exited(0), "\(command.text)")
    #expect(command.output.contains("10 tests"))
  }

  @Test(
    "may have a root disk: its init is process 1, the agent answers behind the switch of root, and the disk stays as it is"
  )
  func rootDisk() throws {
    let project = try Project([
      "tests/a.lua": """
      local vm = provium.create("disk"):boot{ memory = "192M" }
      vm:wait_until(function() return tostring(vm:exec("cat /proc/1/comm").stdout) == "sleep\\n" end)
      assert_eq("the user's own\\n", vm:exec("cat /etc/mark").stdout)
      assert_match(vm:read_file("/proc/mounts"), " / ext4 ro")
      """
    ])
    let parts = try Parts(project)
    let tree = try parts.tree(in: project)
    try shell(
      "truncate -s 24M disk.img; mkfs.ext4 -q -d \(tree) disk.img; sha256sum disk.img > sum",
      in: project.path
    )
    let configuration = """
      [profile.disk]
      kernel = "\(parts.kernel)"
      modules = "\(parts.modules)"
      rootfs = "disk.img"
      init = "/sbin/init"
      """
    try Files.write(Array(configuration.utf8), to: "\(project.path)/provium.toml", mode: 0o644)
    let command = try Command("test", "tests", in: project.path)
    #expect(command.status == .exited(0), "\(command.text)")
    try shell("sha256sum --quiet -c sum", in: project.path)
  }

  @Test(
    "may have an initrd beside a disk: the initramfs is the root, its init is process 1, and the disk is /dev/vda"
  )
  func initrdAndDisk() throws {
    let project = try Project([
      "tests/a.lua": """
      local vm = provium.create("both"):boot{ memory = "192M", files = { ["/etc/given"] = { content = "given" } } }
      vm:wait_until(function() return vm:exec("cat /tmp/up").ok end)
      assert_eq("the initramfs\\n", vm:exec("cat /etc/mark").stdout)
      assert_eq("given", vm:read_file("/etc/given"))
      assert_eq("the disk\\n", vm:exec("cat /mnt/etc/mark").stdout)
      assert_eq("start\\n", vm:exec("cat /proc/1/comm").stdout)
      assert_match(vm:read_file("/proc/mounts"), "/dev/vda /mnt ext4 ro")
      assert_match(vm:read_file("/proc/mounts"), "rootfs / rootfs rw")
      """
    ])
    let parts = try Parts(project)
    let tree = try parts.tree(in: project)
    let program = """
      #!/bin/sh
      mount -t proc proc /proc; mount -t devtmpfs dev /dev; mount -t tmpfs none /tmp
      mount -t ext4 -o ro /dev/vda /mnt && echo > /tmp/up
      while :; do sleep 1000; done

      """
    try Files.write(Array(program.utf8), to: "\(project.path)/start", mode: 0o755)
    try shell(
      """
      echo 'the disk' > \(tree)/etc/mark; mkdir \(tree)/mnt
      truncate -s 24M disk.img; mkfs.ext4 -q -d \(tree) disk.img
      echo 'the initramfs' > \(tree)/etc/mark; mv start \(tree)/etc/start; rm \(tree)/init \(tree)/sbin/init
      (cd \(tree) && find . | \(parts.busybox) cpio -o -H newc) > initrd 2>/dev/null
      """,
      in: project.path
    )
    let configuration = """
      [profile.both]
      kernel = "\(parts.kernel)"
      modules = "\(parts.modules)"
      initrd = "initrd"
      rootfs = "disk.img"
      init = "/etc/start"
      """
    try Files.write(Array(configuration.utf8), to: "\(project.path)/provium.toml", mode: 0o644)
    let command = try Command("test", "tests", in: project.path)
    #expect(command.status == .exited(0), "\(command.text)")
  }

  @Test("a profile's init is /sbin/init by default, /init is a fallback that the boot's log names")
  func defaultInit() throws {
    let project = try Project([
      "tests/a.lua": """
      local function init_of(profile)
        local vm = provium.create(profile):boot{ memory = "192M" }
        vm:mount_vfs()
        vm:wait_until(function() return vm:exec("cat /tmp/init").ok end)
        return vm, tostring(vm:exec("cat /tmp/init").stdout)
      end
      test("default", function()
        local vm, init = init_of("both")
        assert_eq("/sbin/init\\n", init)
        assert_contains(vm:read_file("/proc/cmdline"), "provium.init=/sbin/init")
        vm:kill()
      end)
      test("fallback", function()
        local vm, init = init_of("one")
        assert_eq("/init\\n", init)
        assert_contains(vm:dmesg(), "provium: no /sbin/init: executing /init as init")
        vm:kill()
      end)
      test("named", function()
        assert_error(function() provium.create("named"):boot() end, "cannot execute init /sbin/nothing: ENOENT")
      end)
      -- TOMOYO looks up the names of programs, of which the initramfs has none.
      test("TOMOYO", function()
        local vm = init_of("tomoyo")
        assert_contains(vm:read_file("/sys/kernel/security/lsm"), "tomoyo")
        vm:kill()
      end)
      test("no agent", function()
        local begin = os.time()
        assert_error(function() provium.create("broken"):boot() end, "cannot execute the agent")
        assert(os.time() - begin < 60, "the boot limit was waited out")
      end)
      """
    ])
    let parts = try Parts(project)
    let tree = try parts.tree(in: project)
    for name in ["init", "sbin/init"] {
      let program = "#!/bin/sh\nmount -t proc proc /proc\necho /\(name) > /tmp/init\nexec sleep 1000000\n"
      try Files.write(Array(program.utf8), to: "\(tree)/\(name)", mode: 0o755)
    }
    try shell(
      """
      pack() { (cd \(tree) && find . | \(parts.busybox) cpio -o -H newc) > $1 2>/dev/null; }
      pack both; rm tree/sbin/init; pack one
      # A folder that is not empty stays in the place of the agent's program.
      mkdir -p tree/.provium/agent/in-the-way; pack broken
      """,
      in: project.path
    )
    var configuration = "[provium]\ntests = [\"tests\"]\n"
    let profiles = [
      ("both", "both", ""), ("one", "one", ""), ("named", "both", "init = \"/sbin/nothing\""),
      ("tomoyo", "both", "append = \"security=tomoyo\""), ("broken", "broken", ""),
    ]
    for (name, initrd, more) in profiles {
      configuration +=
        "[profile.\(name)]\nkernel = \"\(parts.kernel)\"\nmodules = \"\(parts.modules)\"\ninitrd = \"\(initrd)\"\n\(more)\n"
    }
    try Files.write(Array(configuration.utf8), to: "\(project.path)/provium.toml", mode: 0o644)
    let command = try Command("test", in: project.path)
    #expect(command.status == .exited(0), "\(command.text)")
  }

  @Test("needs no userland: files and syscalls work in a guest that has nothing but the agent") func nothing()
    throws
  {
    let project = try Project([
      "tests/a.lua": """
      local vm = provium.create("nothing"):boot{ memory = "128M" }
      test("files and syscalls", function()
        vm:write_file("/note", "kept")
        assert_eq("kept", vm:read_file("/note"))
        assert_eq(-provium.errno.ENOENT, (vm:syscall_buf("openat", 1, "/proc/self\\0", provium.sys.AT_FDCWD, 0, 0, 0)))
        assert_match(vm:dmesg(), "Linux version")
        local worker = vm:spawn()
        assert_eq(worker:pid(), worker:syscall("gettid"))
      end)
      test("no shell", function() assert_error(function() vm:exec("true") end, 'userland = "busybox" adds a shell') end)
      """
    ])
    let parts = try Parts(project)
    let configuration = """
      [profile.nothing]
      kernel = "\(parts.kernel)"
      modules = "\(parts.modules)"
      """
    try Files.write(Array(configuration.utf8), to: "\(project.path)/provium.toml", mode: 0o644)
    let command = try Command("test", "tests", in: project.path)
    #expect(command.status == .exited(0), "\(command.text)")
  }

  @Test("whose kernel has no driver for the channel fails in seconds, and says so") func noDriver() throws {
    let project = try Project(["tests/a.lua": "provium.create('bare'):boot{ memory = '128M' }\n"])
    let parts = try Parts(project)
    // A kernel without its modules beside it.
    try Files.write(try Files.read(parts.kernel), to: "\(project.path)/vmlinuz", mode: 0o644)
    try Files.write(
      Array("[profile.bare]\nkernel = \"vmlinuz\"\n".utf8),
      to: "\(project.path)/provium.toml",
      mode: 0o644
    )
    let command = try Command("test", "tests", in: project.path)
    #expect(command.status == .exited(2), "\(command.text)")
    #expect(
      command.text.contains(
        "the guest cannot be started: this kernel has no driver for a channel to the host"
      )
    )
    #expect(command.text.contains("modules = \"…\""))
  }
}
