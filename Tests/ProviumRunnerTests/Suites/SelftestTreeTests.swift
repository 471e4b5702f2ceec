import Glibc
import ProviumBoot
import ProviumRuntime
import ProviumSystem
import Testing

@testable import ProviumRunner

/// An install tree of the test's own, removed with it.
final class ScratchTree: Sendable {
  let path = "/tmp/provium-tree-\(getpid())-\(UInt32.random(in: 0 ... .max))"

  init(_ files: [String: String]) throws {
    for (name, text) in files {
      try Files.createDirectories(Files.parent(of: "\(path)/\(name)"))
      try Files.write(Array(text.utf8), to: "\(path)/\(name)", mode: 0o755)
    }
  }
  deinit { try? Files.removeTree(path) }
}

@Suite("An install tree of the kernel's selftests") struct SelftestTreeTests {
  private func tree(_ list: String, _ files: [String: String] = [:]) throws -> (ScratchTree, SelftestTree) {
    let scratch = try ScratchTree(["kselftest-list.txt": list].merging(files) { $1 })
    return (scratch, try SelftestTree(scratch.path))
  }

  @Test("lists each program once, in the order of its list") func list() throws {
    let (_, tree) = try tree("timers:nanosleep\nnet/forwarding:tc.sh\n\ntimers:nanosleep\n")
    #expect(tree.programs.map(\.key) == ["timers:nanosleep", "net/forwarding:tc.sh"])
  }

  @Test(
    "is refused with the line of an entry that is none",
    arguments: ["timers", "a:../../x", ":x", "a:", "/etc:x"]
  )
  func badLines(line: String) throws {
    let error = #expect(throws: SuiteError.self) { try tree("size:get_size\n\(line)\n") }
    #expect(
      error.map { "\($0)" }?.contains("kselftest-list.txt:2: a line must be COLLECTION:PROGRAM") == true
    )
  }

  @Test("is not any folder: the error says how to make one from the kernel's sources") func sources() throws {
    let scratch = try ScratchTree(["tools/testing/selftests/lib.mk": ""])
    let error = #expect(throws: SuiteError.self) { try SelftestTree(scratch.path) }
    let text = error.map { "\($0)" } ?? ""
    #expect(text.contains("it has no kselftest-list.txt"))
    #expect(text.contains("install INSTALL_PATH="))
  }

  @Test("selects by collection, by program and by pattern, and leaves out by the same") func selection()
    throws
  {
    let (_, tree) = try tree("net:tls\nnet:tcp_mmap\nnet:tcp_fast\nsize:get_size\n")
    func keys(_ names: [String], _ skipped: [String] = []) throws -> [String] {
      try ProgramTree.selftests(tree).select(names, without: skipped).map(\.key)
    }
    #expect(try keys([]).count == 4)
    #expect(try keys(["size"]) == ["size:get_size"])
    #expect(try keys(["net:tls", "size"]) == ["net:tls", "size:get_size"])
    #expect(try keys(["net:tcp_*"]) == ["net:tcp_mmap", "net:tcp_fast"])
    #expect(try keys(["net"], ["net:tcp_mm*"]) == ["net:tls", "net:tcp_fast"])
  }

  @Test("names the nearest collection or program for one that it does not have") func unknown() throws {
    let (_, tree) = try tree("timers:posix_timers\nsize:get_size\n")
    for (given, nearest) in [("timer", "timers"), ("size:getsize", "size:get_size")] {
      let error = #expect(throws: SuiteError.self) {
        try ProgramTree.selftests(tree).select([given], without: [])
      }
      #expect(error.map { "\($0)" }?.contains("did you mean '\(nearest)'?") == true)
    }
    #expect(throws: SuiteError.self) { try ProgramTree.selftests(tree).select([], without: ["*"]) }
  }

  @Test("has a time limit for each collection: 45 s unless settings say otherwise, none for 0")
  func timeouts() throws {
    let (scratch, tree) = try tree(
      "a:x\nb:x\nc:x\nd:x\n",
      ["b/settings": "timeout=180\n", "c/settings": "timeout=0\n", "d/settings": "# nothing\ntimeout=soon\n"]
    )
    // The settings are read when they are asked for.
    defer { withExtendedLifetime(scratch) {} }
    #expect(tree.timeout(of: "a") == .seconds(45))
    #expect(tree.timeout(of: "b") == .seconds(180))
    #expect(tree.timeout(of: "c") == nil)
    #expect(tree.timeout(of: "d") == .seconds(45))
  }

  @Test("is divided into files by isolation, with names that stay the same") func units() throws {
    let (_, tree) = try tree("a:x\na:y\nb:z\n")
    func units(_ isolation: SuiteSettings.Isolation, prefix: String?) -> [[String]] {
      var suite = SuiteSettings(name: "ksft", kind: .kselftest, path: tree.path)
      suite.isolation = isolation
      return ProgramUnit.divide(tree.programs, of: .selftests(tree), suite, prefix: prefix).map { unit in
        [unit.file.name] + unit.programs.map(unit.name)
      }
    }
    #expect(units(.program, prefix: nil) == [["a:x", "x"], ["a:y", "y"], ["b:z", "z"]])
    #expect(units(.collection, prefix: "ksft") == [["ksft/a", "x", "y"], ["ksft/b", "z"]])
    #expect(units(.none, prefix: nil) == [["ksft", "a:x", "a:y", "b:z"]])
  }
}

@Suite("The modules that programs load") struct ProgramModulesTests {
  @Test("are those that options and scripts of the tree name, and that the kernel has") func names() throws {
    let scratch = try ScratchTree([
      "kselftest-list.txt": "a:x.sh\n",
      "a/x.sh": "#!/bin/sh\n/sbin/modprobe -q test-static_key_base\necho loop\n",
      "a/y.sh": "#!/bin/sh\n$(dirname $0)/../kselftest/module.sh \"bitmap\" test_bitmap\n",
      "a/text": "modprobe vfat\n",
      "a/config":
        "CONFIG_TEST_SYSCTL=m\nCONFIG_NET_SCH_FQ=y\nCONFIG_NETFILTER_XT_MATCH_BPF=m\n# CONFIG_VETH is not set\nCONFIG_X=9\n",
    ])
    let tree = try SelftestTree(scratch.path)
    let contents = try TreeContents(
      .selftests(tree),
      selected: tree.programs,
      digests: DigestCache(folder: "\(scratch.path)/digests")
    )
    let expected = ["sch_fq", "test_bitmap", "test_static_key_base", "test_sysctl", "xt_bpf"]
    let modules = try ProgramModules(
      .selftests(tree),
      contents,
      available: Set(expected + ["loop", "vfat", "veth", "x"])
    )
    #expect(modules.names == expected)
  }
}

@Suite("Options of a kernel") struct KernelOptionsTests {
  private let kernel = KernelOptions("CONFIG_A=y\nCONFIG_B=m\n# CONFIG_C is not set\nCONFIG_N=64\n")

  @Test("are missing where a collection asks for them and they are not set") func missing() {
    let wanted = KernelOptions.fragment(
      "# comment\nCONFIG_A=m\nCONFIG_B=y\nCONFIG_C=y\nCONFIG_D=m\nCONFIG_N=128\n"
    )
    #expect(kernel.missing(wanted) == ["CONFIG_C", "CONFIG_D"])
  }

  @Test("that must not be set are a preference") func unset() {
    #expect(kernel.missing(KernelOptions.fragment("# CONFIG_A is not set\nCONFIG_B=n\n")).isEmpty)
  }

  @Test("are found beside the kernel, and in the build tree around an image") func places() throws {
    let beside = try ScratchTree(["boot/vmlinuz-6.1": "", "boot/config-6.1": "CONFIG_A=y\n"])
    #expect(
      KernelOptions.find(kernel: "\(beside.path)/boot/vmlinuz-6.1", release: "6.1", modules: nil) != nil
    )
    let built = try ScratchTree([".config": "CONFIG_A=y\n", "arch/x86/boot/bzImage": ""])
    #expect(
      KernelOptions.find(kernel: "\(built.path)/arch/x86/boot/bzImage", release: nil, modules: nil) != nil
    )
    #expect(KernelOptions.find(kernel: built.path, release: nil, modules: nil) != nil)
    #expect(
      KernelOptions.find(kernel: "\(beside.path)/boot/vmlinuz-6.1", release: "6.2", modules: nil) == nil
    )
  }
}

@Suite("An ELF program") struct ELFProgramTests {
  @Test("tells its loader and its libraries") func dynamic() throws {
    let program = try #require(ELFProgram(try Files.read("/usr/bin/env")))
    #expect(program.interpreter?.hasPrefix("/lib") == true)
    #expect(program.libraries.contains { $0.hasPrefix("libc.so") })
    var libraries = HostLibraries()
    libraries.add(program, path: "/usr/bin/env")
    #expect(libraries.missing.isEmpty)
    #expect(libraries.files.contains { $0.contains("/libc.so") })
    #expect(libraries.files.contains(program.interpreter ?? ""))
  }

  @Test("that is cut or damaged anywhere is read without a crash") func damaged() throws {
    let file = try Files.read("/usr/bin/env")
    for length in stride(from: 0, to: min(file.count, 4096), by: 7) { _ = ELFProgram(Array(file[..<length])) }
    var generator = SeededGenerator(seed: 16)
    for _ in 0..<2000 {
      var copy = Array(file.prefix(8192))
      for _ in 0..<8 {
        copy[Int.random(in: 4..<copy.count, using: &generator)] = UInt8.random(
          in: 0 ... .max,
          using: &generator
        )
      }
      _ = ELFProgram(copy)
    }
    #expect(ELFProgram(Array("#!/bin/sh\n".utf8)) == nil)
  }

  @Test("brings all libraries of its loader, also where a shell brings the loader too") func sharedLoader() {
    let needs = ProgramNeeds([
      "/bin/bash": ["/bin/bash", "/lib/ld.so", "/lib/libtinfo.so"],
      "/lib/ld.so": ["/lib/ld.so", "/lib/libasan.so"],
    ])
    var guest: Set<String> = []
    #expect(needs.files(where: { !guest.contains($0) }).count == 4)
    guest = ["/lib/ld.so"]
    #expect(needs.files(where: { !guest.contains($0) }) == ["/bin/bash", "/lib/ld.so", "/lib/libtinfo.so"])
    guest = ["/lib/ld.so", "/bin/bash"]
    #expect(needs.files(where: { !guest.contains($0) }).isEmpty)
  }

  @Test(
    "of any kind that is missing is an error that names --install and the commands that make one",
    arguments: [
      (SuiteSettings.Kind.kselftest, ["--build LINUX", "make -C LINUX/tools/testing/selftests"]),
      (.ltp, ["./configure --prefix=DIR && make && make install"]), (.fstests, ["make"]),
    ]
  )
  func missing(kind: SuiteSettings.Kind, commands: [String]) throws {
    let empty = try ScratchTree(["file": ""])
    for path in ["/no/such/folder", empty.path] {
      let error = #expect(throws: SuiteError.self) {
        try ProgramTree(SuiteSettings(name: "s", kind: kind, path: path))
      }
      let text = error.map { "\($0)" } ?? ""
      #expect(text.hasPrefix("\(path): "), "\(text)")
      for part in ["--install DIR"] + commands { #expect(text.contains(part), "\(text)") }
    }
  }
}
