import Foundation
import ProviumSystem
import Testing

/// Kernels that the command line names, and stock kernels with file systems that they have as modules.
@Suite("A kernel", .enabled(if: noMachines == nil, Comment(rawValue: noMachines ?? "")), .serialized)
struct KernelCommandTests {
  /// The kernel of the built-in profile: its tree, and its release.
  private static func stock(_ project: Project) throws -> (tree: String, release: String, busybox: String) {
    _ = try Command("doctor", in: project.path)
    let home = try #require(getenv("HOME").map { String(cString: $0) })
    let lines = try Files.readText("\(home)/.cache/provium/kernels/x86_64/prepared").split(separator: "\n")
    try #require(lines.count == 4)
    let release = String(lines[1].split(separator: "/").last ?? "")
    return (Files.parent(of: Files.parent(of: String(lines[0]))), release, String(lines[2]))
  }

  @Test(
    "of a release and flavour mounts roots whose drivers are modules, with what they need by soft dependencies and aliases",
    arguments: ["deb:6.1", "deb:6.1-rt", "deb:6.12"]
  )
  func roots(kernel: String) throws {
    let project = try Project([
      "tests/a.lua": """
      for _, name in ipairs{ "ext4", "xfs", "btrfs", "squashfs" } do
        for _, given in ipairs(name == "squashfs" and { false, true } or { false }) do
          test(name .. (given and " with files on an overlay" or ""), function()
            local vm = provium.create(name):boot{
              memory = "256M", files = given and { ["/etc/given"] = { content = "given" } } or nil,
            }
            vm:wait_until(function() return tostring(vm:exec("cat /proc/1/comm").stdout) == "sleep\\n" end)
            assert_eq("the user's own\\n", vm:exec("cat /etc/mark").stdout)
            if given then assert_eq("given", vm:read_file("/etc/given")) end
            vm:kill()
          end)
        end
      end
      """
    ])
    let stock = try Self.stock(project)
    // xfs is made from a list, since nothing can be mounted without root.
    try project.shell(
      """
      mkdir -p tree/bin tree/sbin tree/proc tree/sys tree/dev tree/tmp tree/etc
      cp \(stock.busybox) tree/bin/busybox
      for applet in sh cat sleep mount true; do ln -s busybox tree/bin/$applet; done
      printf '#!/bin/sh\\nmount -t proc proc /proc\\nexec sleep 1000000\\n' > tree/sbin/init
      chmod 755 tree/sbin/init; echo "the user's own" > tree/etc/mark
      truncate -s 24M ext4; mkfs.ext4 -q -d tree ext4
      truncate -s 160M btrfs; mkfs.btrfs -q -r tree btrfs
      mksquashfs tree squashfs -quiet -comp zstd > /dev/null
      cat > list <<-END
      /dev/null
      0 0
      d--755 0 0
      bin d--755 0 0
      busybox ---755 0 0 tree/bin/busybox
      sh l--777 0 0 busybox
      cat l--777 0 0 busybox
      sleep l--777 0 0 busybox
      mount l--777 0 0 busybox
      $
      sbin d--755 0 0
      init ---755 0 0 tree/sbin/init
      $
      etc d--755 0 0
      mark ---644 0 0 tree/etc/mark
      $
      proc d--755 0 0
      $
      sys d--755 0 0
      $
      dev d--755 0 0
      $
      tmp d--755 0 0
      $
      $
      END
      truncate -s 320M xfs; mkfs.xfs -q -p list xfs
      """
    )
    let profiles = ["ext4", "xfs", "btrfs", "squashfs"].map {
      "[profile.\($0)]\nkernel = \"\(kernel)\"\nrootfs = \"\($0)\"\n"
    }
    try project.write(profiles.joined(), to: "provium.toml")
    let command = try Command("test", "tests", in: project.path, seconds: 600)
    #expect(command.status == .exited(0), "\(command.text)")
    #expect(command.output.contains("5 tests"), "\(command.text)")
  }

  @Test(
    "of the build tree that the command runs in is booted, with its modules in place, and named in one line"
  )
  func buildTree() throws {
    let project = try Project()
    let (tree, release, _) = try Self.stock(project)
    try project.shell(
      """
      mkdir -p arch/x86/boot include/config
      cp \(tree)/boot/vmlinuz-\(release) arch/x86/boot/bzImage; cp \(tree)/boot/config-\(release) .config
      echo \(release) > include/config/kernel.release; touch Makefile source
      modules=\(tree)/lib/modules/\(release)
      cp -r $modules/kernel/* $modules/modules.builtin* .
      sed -e 's,^kernel/,,' -e 's,\\.ko$,.o,' $modules/modules.order > modules.order
      """
    )
    let run = try Command("run", "--", "sh", "-c", "uname -r; modprobe veth && echo loaded", in: project.path)
    #expect(run.output == "\(release)\nloaded\n", "\(run.text)")
    #expect(run.errors.contains("booting the kernel of this build tree (\(release))"), "\(run.text)")
    let named = try Project([
      "tests/a.lua": """
      print(provium.kernel .. " is " .. provium.create():boot():exec("uname -r").stdout)
      local other = provium.create():boot{kernel = "deb:6.12"}
      assert(other:kernel() >= "6.12" and other:exec("modprobe veth").ok)
      """
    ])
    let test = try Command("test", "-v", "--kernel", project.path, "tests", in: named.path)
    #expect(
      test.status == .exited(0) && test.output.contains("\(project.path) is \(release)"),
      "\(test.text)"
    )
  }

  @Test("that a sub-test's conditions do not fit is a reason to skip it, before anything boots")
  func conditions()
    throws
  {
    let project = try Project([
      "tests/a.lua": """
      test("old", { kernel = "< 4.0" }, function() error("runs") end)
      test("new", { owner = "us", kernel = ">= 4.19, < 99", config = { "NET", "!NO_SUCH_OPTION" }, arch = "x86_64", cpus = 1 },
        function() end)
      test("option", { config = "NO_SUCH_OPTION" }, function() error("runs") end)
      test("value", { config = "NET=m" }, function() error("runs") end)
      test("architecture", { arch = "aarch64" }, function() error("runs") end)
      test("CPUs", { cpus = 255 }, function() error("runs") end)
      """
    ])
    _ = try Self.stock(project)
    let command = try Command("test", "-v", "tests", in: project.path, environment: ["PROVIUM_ACCEL": "tcg"])
    #expect(command.status == .exited(0), "\(command.text)")
    for reason in [
      "needs kernel < 4.0, and the profile default has ", "needs a kernel with CONFIG_NO_SUCH_OPTION, and",
      "needs a kernel with CONFIG_NET=m, and the profile default has CONFIG_NET=y",
      "needs aarch64, and the profile default is x86_64", "needs 255 CPUs, and there are",
    ] { #expect(command.output.contains(reason), "\(reason): \(command.text)") }
    for (condition, complaint) in [
      ("kernel = 'new'", "a condition such as \">= 6.2\""), ("config = 'A B'", "an option such as"),
      ("arch = 'vax'", "vax"), ("cpus = 0", "255"),
      ("kernels = '>= 6'", "'meta'['kernels'] is an unknown condition (did you mean 'kernel'?)"),
      ("cpu = 2", "did you mean 'cpus'?"),
    ] {
      try project.write("test('x', { \(condition) }, function() end)\n", to: "tests/a.lua")
      let wrong = try Command("test", "tests", in: project.path)
      #expect(wrong.status != .exited(0) && wrong.output.contains(complaint), "\(wrong.text)")
    }
  }

  @Test("of several that a run names has a column of its own, fixtures of its own, and a history of its own")
  func matrix() throws {
    let project = try Project([
      "provium.toml": "[provium]\ntests = [\"tests\"]\n[matrix]\nkernels = [\"deb:6.1\", \"deb:6.12\"]\n",
      "tests/fixtures/base.lua": "provium.create():boot{memory = '256M'}\n",
      "tests/a.lua": """
      local vm = provium.fixture("base")
      test("new", function() assert(vm:kernel() >= "6.12", "old") end)
      test("skipped", { kernel = ">= 6.12" }, function() end)
      """,
    ])
    let list = try Command("list", in: project.path)
    #expect(
      list.output.contains("a.lua [deb:6.1]\n") && list.output.contains("a.lua [deb:6.12]\n"),
      "\(list.text)"
    )
    let test = try Command("test", "--json", "log.json", in: project.path, seconds: 200)
    #expect(test.status == .exited(1), "\(test.text)")
    for line in [
      "               deb:6.1      deb:6.12\n", "  a.lua        FAIL 1 of 2  ok\n",
      "    · new      FAIL         ok\n", "    · skipped  skipped      ok\n",
    ] { #expect(test.output.contains(line), "\(line): \(test.text)") }
    let log = try Files.readText("\(project.path)/log.json")
    #expect(log.contains("\"kernels\":[\"deb:6.1\",\"deb:6.12\"]") && log.contains("\"kernel\":\"deb:6.12\""))
    let history = try Command("history", "a.lua / new", in: project.path)
    #expect(
      history.output.contains("on deb:6.12") && history.output.contains("on deb:6.1  "),
      "\(history.text)"
    )
    let again = try Command("list", "--rerun-failed", in: project.path)
    #expect(again.output.hasPrefix("a.lua [deb:6.1]\n") && !again.output.contains("6.12"), "\(again.text)")
    // Fixtures are kept for each kernel.
    let one = try Command("test", "--kernel", "deb:6.12", "-q", in: project.path)
    #expect(one.status == .exited(0) && one.output == "ok: 1 file passed\n", "\(one.text)")
    for (arguments, expected) in [
      (["test", "--kernel", "deb:6.1", "--kernel", "deb:6.1"], "the kernel deb:6.1 is named twice"),
      (["test", "--kernel", "deb:6.1000"], "the package sources of this host have no such kernel"),
      (["run", "--kernel", "deb:6.1", "--kernel", "deb:6.12", "--", "true"], "give --kernel once"),
      (["list", "--kernel", ""], "--kernel needs a path or a name"),
    ] {
      let wrong = try Command(arguments: arguments, in: project.path)
      #expect(wrong.status == .exited(2) && wrong.errors.contains(expected), "\(wrong.text)")
    }
  }

  @Test("named twice, or one that does not exist, is one clear error") func wrong() throws {
    let project = try Project([
      "provium.toml": "[profile.own]\nkernel = \"vmlinuz\"\n", "tree/Makefile": "", "tree/Kconfig": "",
      "tree/arch/x": "", "short.deb": "no package",
    ])
    for (arguments, expected) in [
      (["--profile", "own", "--kernel", "deb:6.1"], "the profile 'own' names a kernel of its own"),
      (["--kernel", "deb:6.1000"], "the package sources of this host have no such kernel"),
      (["--kernel", "deb:6.1-cluod"], "did you mean '6.1-cloud'?"),
      (["--kernel", "local:none"], "no kernel of that name was added"),
      (["--kernel", "nothing"], "the kernel \(project.path)/nothing does not exist"),
      (["--kernel", "tree"], "no kernel is configured there: run make -C \(project.path)/tree defconfig"),
      (["--kernel", "short.deb"], "short.deb cannot be used as a kernel: it cannot be unpacked"),
    ] {
      let command = try Command(arguments: ["run"] + arguments + ["--", "true"], in: project.path)
      #expect(command.status == .exited(2), "\(command.text)")
      #expect(command.errors.contains(expected), "\(expected): \(command.text)")
      #expect(command.errors.split(separator: "\n").count <= 2, "\(command.text)")
    }
  }

  @Test("that cannot be fetched is one error with its cause: no network, a proxy's refusal, a full disk")
  func fetch()
    throws
  {
    let project = try Project(["provium.toml": "[provium]\ncache = \"cache\"\n", "cache/x": ""])
    let proxy = try project.shell(
      """
      cat > proxy.py <<'END'
      import http.server, os
      class Refusal(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
          self.send_response(407, "Proxy Authentication Required"); self.send_header("Content-Length", "0"); self.end_headers()
        def log_message(self, *arguments): pass
      server = http.server.HTTPServer(("127.0.0.1", 0), Refusal)
      print(server.server_port, flush=True)
      server.timeout = 30
      if os.fork() == 0:
        os.close(1); os.close(2)
        for _ in range(20): server.handle_request()
      END
      python3 proxy.py
      """
    ).trimmed
    // Port 9 is closed.
    for (address, cause) in [
      ("127.0.0.1:9", "Could not connect to 127.0.0.1:9"), ("127.0.0.1:\(proxy)", "407"),
    ] {
      let command = try Command(
        "kernel",
        "fetch",
        "deb:6.1-cloud",
        in: project.path,
        environment: ["http_proxy": "http://\(address)"],
        seconds: 120
      )
      #expect(command.status == .exited(2) && command.errors.contains("cannot be had: "), "\(command.text)")
      #expect(command.errors.contains(cause), "\(command.text)")
      #expect(command.errors.split(separator: "\n").count <= 3, "\(command.text)")
    }
    // A file system of 4 MB, in a mount namespace of its own.
    let unshare = getuid() == 0 ? "unshare -m" : "unshare -rm"
    guard (try? project.shell("\(unshare) mount -t tmpfs tmpfs cache")) != nil else { return }
    let full = try project.shell(
      "\(unshare) sh -c 'mount -t tmpfs -o size=4M tmpfs cache && ! \(Command.binary) kernel fetch deb:6.1-cloud' 2>&1",
      seconds: 120
    )
    #expect(full.contains("cannot be had: ") && full.contains("No space left on device"), "\(full)")
  }

  @Test(
    "of an RPM package, and of an image in a registry, is booted, kept by digest, and needs no registry again"
  )
  func packagesAndImages() throws {
    let project = try Project(withCache: [:])
    let (tree, release, _) = try Self.stock(project)
    try project.shell(
      """
      rm cache/kernels; mkdir cache/kernels; ln -s "$HOME/.cache/provium/kernels/x86_64" cache/kernels/x86_64
      mkdir -p root/boot root/usr/lib/modules/\(release); ln -s usr/lib root/lib
      cp \(tree)/boot/vmlinuz-\(release) root/boot/real; ln -s /boot/real root/boot/vmlinuz
      cp -r \(tree)/lib/modules/\(release)/{kernel,modules.builtin*} root/lib/modules/\(release)/
      ln -s /etc/passwd root/lib/modules/\(release)/host
      cat > kernel.spec <<'END'
      Name: kernel-core
      Version: 6
      Release: 1
      Summary: kernel
      License: GPL
      AutoReqProv: no
      %global __os_install_post %{nil}
      %description
      %install
      mkdir -p %{buildroot}/lib/modules
      cp -r \(project.path)/root/usr/lib/modules/\(release) %{buildroot}/lib/modules/
      cp \(project.path)/root/boot/real %{buildroot}/lib/modules/\(release)/vmlinuz
      %files
      /lib/modules/\(release)
      END
      rpmbuild --quiet --define "_topdir $PWD/rpm" --define "_binary_payload w1.zstdio" -bb kernel.spec > rpm.log 2>&1 || { cat rpm.log; exit 1; }
      mv rpm/RPMS/x86_64/*.rpm kernel.rpm
      """,
      seconds: 120
    )
    let run = try Command("run", "--kernel", "kernel.rpm", "--", "uname", "-r", in: project.path)
    #expect(run.output == "\(release)\n", "\(run.text)")
    let registry = try Registry(in: project, tags: ["6.1": "root", "nothing": "nothing", "cut": "nothing"])
    defer { registry.stop() }
    let name = "oci:localhost:\(registry.port)/group/kernel"
    let pinned = try Command("kernel", "fetch", "\(name):6.1", in: project.path)
    #expect(pinned.output.hasPrefix("\(name)@sha256:"), "\(pinned.text)")
    for (tag, expected) in [
      ("none", "manifest unknown"), ("nothing", "no boot/vmlinuz or lib/modules/RELEASE/vmlinuz is in it"),
      ("cut", "cannot be had: "),
    ] {
      let wrong = try Command("run", "--kernel", "\(name):\(tag)", "--", "true", in: project.path)
      #expect(wrong.status == .exited(2) && wrong.errors.contains(expected), "\(wrong.text)")
    }
    registry.stop()
    // From the cache.
    let kept = try Command("run", "--kernel", "\(name):6.1", "--", "uname", "-r", in: project.path)
    #expect(kept.output == "\(release)\n", "\(kept.text)")
    let list = try Command("kernel", "list", in: project.path)
    #expect(list.output.contains("\(project.path)/kernel.rpm  "), "\(list.text)")
    #expect(list.output.contains("\(pinned.output.trimmed)  (\(name):6.1)  "), "\(list.text)")
    let gone = try Command("run", "--kernel", "\(name):6.2", "--", "true", in: project.path)
    #expect(gone.status == .exited(2) && gone.errors.contains("connection refused"), "\(gone.text)")
    let remove = try Command("kernel", "remove", "\(name):6.1", in: project.path)
    #expect(remove.status == .exited(0), "\(remove.text)")
  }

  @Test(
    "in a registry with TLS and a login is fetched with the user's logins and certificates, else one error says what is missing"
  )
  func secureRegistry() throws {
    let project = try Project(["provium.toml": "[provium]\ncache = \"cache\"\n"])
    // Fetched, not booted: the head of a bzImage is enough.
    try project.shell(
      """
      mkdir -p root/boot home/.docker right wrong
      python3 -c 'b = bytearray(0x1000); b[0x202:0x206] = b"HdrS"; b[0x206:0x208] = 7, 2; b[0x20f] = 4; b[0x600:0x605] = b"6.9.0"
      open("root/boot/vmlinuz-6.9.0", "wb").write(b)'
      """
    )
    let registry = try Registry(in: project, tags: ["6.9": "root"], isSecure: true)
    defer { registry.stop() }
    // 0.0.0.0 is this host, but not its loopback address: certificates are checked.
    let hosts = ["localhost:\(registry.port)", "0.0.0.0:\(registry.port)"]
    for (folder, login) in [("right", "dXNlcjpzZWNyZXQ="), ("wrong", "dXNlcjp3cm9uZw==")] {
      let logins = hosts.map { "\"\($0)\":{\"auth\":\"\(login)\"}" }.joined(separator: ",")
      try project.write("{\"auths\":{\(logins)}}", to: "\(folder)/auth.json")
    }
    try project.shell("cp right/auth.json home/.docker/config.json; mkdir -p cache none")
    func fetch(_ host: String, _ environment: [String: String]) throws -> Command {
      try Files.removeTree("\(project.path)/cache")
      return try Command(
        "kernel",
        "fetch",
        "oci:\(host)/group/kernel:6.9",
        in: project.path,
        environment: ["HOME": "\(project.path)/none"].merging(environment) { $1 }
      )
    }
    let right = ["REGISTRY_AUTH_FILE": "\(project.path)/right/auth.json"]
    let authority = ["SSL_CERT_FILE": "\(project.path)/registry.pem"]
    for (host, environment) in [
      (hosts[0], right), (hosts[0], ["HOME": "\(project.path)/home"]),
      (hosts[1], right.merging(authority) { $1 }),
    ] {
      let fetched = try fetch(host, environment)
      #expect(fetched.output.hasPrefix("oci:\(host)/group/kernel@sha256:"), "\(fetched.text)")
    }
    for (host, environment, expected) in [
      (hosts[0], [:], "log in: skopeo login \(hosts[0])"),
      (
        hosts[0], ["REGISTRY_AUTH_FILE": "\(project.path)/wrong/auth.json"],
        "log in: skopeo login \(hosts[0])"
      ),
      (hosts[1], authority, "log in: skopeo login \(hosts[1])"),
      (hosts[1], right, "/etc/containers/certs.d/\(hosts[1])/ca.crt"),
    ] {
      let refused = try fetch(host, environment)
      #expect(
        refused.status == .exited(2) && refused.errors.contains(expected),
        "\(expected): \(refused.text)"
      )
      #expect(refused.errors.split(separator: "\n").count == 1, "\(refused.text)")
    }
    let plain = try Registry(in: project, tags: ["6.9": "root"])
    defer { plain.stop() }
    let refused = try fetch("0.0.0.0:\(plain.port)", [:])
    #expect(refused.errors.contains("only a registry on localhost may lack TLS"), "\(refused.text)")
  }

  @Test(
    "in a registry needs skopeo, and the error says so where it is missing",
    .enabled(if: noMounts == nil, Comment(rawValue: noMounts ?? ""))
  )
  func withoutSkopeo() throws {
    let project = try Project(["provium.toml": "[provium]\ncache = \"cache\"\n", "nothing": ""])
    // A file that cannot be executed takes the place of each, in a mount namespace of its own.
    let said = try project.shell(
      """
      unshare -m bash -c '
        for program in $(type -ap skopeo); do mount --bind nothing $program; done
        status=0; \(Command.binary) run --kernel oci:localhost:5000/kernel:6.1 -- true 2>&1 || status=$?; echo "exit $status"'
      """
    )
    #expect(
      said.contains("skopeo is not installed, which fetches images (apt-get install skopeo)"),
      "\(said)"
    )
    #expect(said.hasSuffix("exit 2\n") && said.split(separator: "\n").count == 2, "\(said)")
  }

  @Test("is added, listed, booted and removed by its name") func library() throws {
    let project = try Project(withCache: [:])
    let (tree, release, _) = try Self.stock(project)
    try project.shell(
      """
      rm cache/kernels; mkdir cache/kernels; ln -s "$HOME/.cache/provium/kernels/x86_64" cache/kernels/x86_64
      mkdir -p add/boot add/lib; cp \(tree)/boot/vmlinuz-\(release) add/boot/; cp -r \(tree)/lib/modules add/lib/
      """
    )
    let add = try Command("kernel", "add", "--name", "mine", "add", in: project.path)
    #expect(add.status == .exited(0) && add.output == "local:mine\n", "\(add.text)")
    let list = try Command("kernel", "list", in: project.path)
    #expect(list.output.hasPrefix("local:mine  "), "\(list.text)")
    let run = try Command("run", "--kernel", "local:mine", "--", "uname", "-r", in: project.path)
    #expect(run.output == "\(release)\n", "\(run.text)")
    let remove = try Command("kernel", "remove", "local:mine", in: project.path)
    #expect(remove.status == .exited(0), "\(remove.text)")
    let again = try Command("kernel", "remove", "local:mine", in: project.path)
    #expect(again.status == .exited(2) && again.errors.contains("no kernel 'local:mine'"), "\(again.text)")
  }
}
