import Glibc
import ProviumSystem
import Testing

@testable import ProviumRuntime

private let compiler = ToolRun.find("cc") ?? ToolRun.find("clang")

@Suite("Source lines in kernel reports")
struct ReportDecoderTests {
  private static let release = "9.9.9-test"
  private static let source = """
    extern volatile int cell;
    static inline __attribute__((always_inline)) int load(volatile int *from) {
      return *from + 1;
    }
    __attribute__((noinline)) int reader(int x) {
      int sum = x;
      sum += load(&cell);
      return sum * cell;
    }
    __attribute__((noinline)) int writer(int x) {
      cell = x;
      return x + 2;
    }
    """

  /// A debug package in a cache: a vmlinux, and a module whose functions are in sections of their own.
  private final class Package {
    let cache: String
    let vmlinux: String
    let module: String

    init() throws {
      cache = ReportDecoderTests.newFolder()
      let root = "\(cache)/debug/usr/lib/debug"
      vmlinux = "\(root)/boot/vmlinux-\(release)"
      module = "\(root)/lib/modules/\(release)/kernel/drivers/net/cell-net.ko"
      for path in [vmlinux, module] { try Files.createDirectories(Files.parent(of: path)) }
      try Files.write(Array("\(source)\nvolatile int cell;\n".utf8), to: "\(cache)/probe.c")
      let tool = try #require(compiler)
      let common = ["-g", "-O2", "-fno-asynchronous-unwind-tables", "probe.c"]
      let link = [
        "-nostdlib", "-static", "-fno-pie", "-no-pie", "-Wl,-e,reader", "-Wl,--build-id=0x0123456789abcdef",
        "-o", vmlinux,
      ]
      _ = try ToolRun.run(tool, common + link, directory: cache)
      _ = try ToolRun.run(
        tool,
        common + ["-c", "-ffunction-sections", "-o", module],
        directory: cache
      )
    }
    deinit { try? Files.removeTree(cache) }

    func decoder(_ buildIDs: ReportDecoder.BuildIDs = .init(), tool: LineTool? = .find()) -> ReportDecoder {
      ReportDecoder(DebugFolders(release: release, kernel: nil, cache: cache), buildIDs, tool: tool)
    }

    /// The size of a function as a kernel would print it: the distance to the next symbol.
    func size(of function: String, in path: String) throws -> UInt64 {
      let file = try #require(DebugFile(path))
      let frame = TraceFrame(function: function, offset: 0, size: .max, module: nil, buildID: nil)
      guard case .otherSize(let size)? = file.find([frame])[frame] else {
        // The last function of its section: any size that is not smaller than the function's own is right.
        return 0x1000
      }
      return size
    }
  }

  private static func newFolder() -> String {
    "/tmp/provium-decoder-\(getpid())-\(UInt32.random(in: 0 ... .max))"
  }

  private static func hexadecimal(_ number: UInt64) -> String { "0x\(String(number, radix: 16))" }
  private static let missing: Comment = "no C compiler, or no addr2line"
  private static let canRun = compiler != nil && ToolRun.find("addr2line") != nil

  // MARK: Frames

  @Test("frames are found with their modules, and return addresses belong to the instruction before them")
  func frames() {
    func frames(_ line: String) -> [TraceFrame] { TraceFrame.occurrences(in: line).map(\.frame) }
    func frame(_ name: String, _ offset: UInt64, _ size: UInt64, _ module: String? = nil, _ id: String? = nil)
      -> TraceFrame
    { TraceFrame(function: name, offset: offset, size: size, module: module, buildID: id) }
    #expect(frames("[    1.5]  ? do_exit.cold+0x56/0xa0") == [frame("do_exit.cold", 0x55, 0xa0)])
    #expect(frames("RIP: 0010:f+0x56/0xa0 [a-b]") == [frame("f", 0x56, 0xa0, "a_b")])
    #expect(frames("pc : f+0x0/0xa0") == [frame("f", 0, 0xa0)])
    #expect(frames(" f+0x10/0x20 [m 00ff]") == [frame("f", 0xf, 0x20, "m", "00ff")])
    #expect(frames("at f+0x10/0x20, g+0x3/0x4") == [frame("f", 0xf, 0x20), frame("g", 2, 4)])
    for line in [
      "", "+0x", "f+0x/0x1", "f+0x1/0x", "f+0x30/0x20", "f+0x1/0x0", "1f+0x1/0x2", "f+0x1", "é+0x1/0x2",
      "f+0xfffffffffffffffff/0x1", "0x1+0x2/0x3",
    ] { #expect(frames(line).isEmpty, "\(line)") }
    // A hostile guest prints a path in place of a module's name.
    #expect(frames("f+0x1/0x2 [../../x]") == [frame("f", 0, 2)])
    #expect(frames("f+0x1/0x2 [") == [frame("f", 0, 2)])
  }

  @Test("paths are shown as they are in the kernel's source")
  func paths() {
    for (path, shown) in [
      ("debian/build/build_amd64_none_cloud-amd64/fs/proc/inode.c", "fs/proc/inode.c"),
      ("/build/reproducible-path/linux-6.1.192/arch/x86/entry/entry_64.S", "arch/x86/entry/entry_64.S"),
      ("/usr/src/debug/kernel-6.9/linux-6.9.1-2.x86_64/./mm/../lib/x.c", "lib/x.c"),
      ("../include/linux/list.h", "../include/linux/list.h"), ("/opt/build_x/a.c", "/opt/build_x/a.c"),
    ] { #expect(ReportDecoder.sourcePath(path) == shown) }
  }

  // MARK: Decoding

  @Test("frames of the kernel get their lines, inlined functions first", .enabled(if: canRun, missing))
  func kernel() throws {
    let package = try Package()
    let size = try package.size(of: "reader", in: package.vmlinux)
    let lines = (0..<size).map { "[    1.0]  reader+\(Self.hexadecimal($0))/\(Self.hexadecimal(size)) end" }
    let warning = "WARNING: CPU: 0 PID: 1 at probe.c:6 \(lines[1].dropFirst(12))"
    var decoder = package.decoder(.init(kernel: "0123456789abcdef"))
    let decoded = decoder.decode(["Call Trace:"] + lines + [warning, "unknown_function+0x1/0x2"])
    #expect(decoder.remarks.isEmpty)
    #expect(decoded.dropLast().last == warning)
    #expect(decoder.decode(decoded) == decoded)
    #expect(decoded.first == "Call Trace:")
    #expect(decoded.last == "unknown_function+0x1/0x2")
    for (line, before) in zip(decoded.dropFirst(), lines) {
      let place = before.dropLast(4)
      #expect(line.hasPrefix("\(place) (") && line.hasSuffix(") end"), "\(line)")
      #expect(line.contains("probe.c:"), "\(line)")
    }
    let isInlined = decoded.contains {
      $0.contains(" (load ") && $0.contains("probe.c:3 < ") && $0.contains("probe.c:7) end")
    }
    #expect(isInlined, "\(decoded)")
  }

  @Test("frames of a module are looked up in their own sections", .enabled(if: canRun, missing))
  func module() throws {
    let package = try Package()
    var decoder = package.decoder()
    let functions = ["reader", "writer"]
    let lines = try functions.map {
      let size = Self.hexadecimal(try package.size(of: $0, in: package.module))
      return "RIP: 0010:\($0)+0x0/\(size) [cell_net]"
    }
    let decoded = decoder.decode(lines)
    #expect(decoder.remarks.isEmpty)
    // Compilers differ in the line of a function's first instruction.
    for (line, body) in zip(decoded, [5...8, 10...12]) {
      let isInBody = body.contains { line.hasSuffix("probe.c:\($0))") }
      #expect(line.contains("[cell_net] (") && isInBody, "\(decoded)")
    }
    // The kernel has functions of these names, too, and the module another one has not.
    #expect(decoder.decode(["reader+0x1/0x7 [other]"]) == ["reader+0x1/0x7 [other]"])
  }

  @Test("debug information of another build is refused by its sizes", .enabled(if: canRun, missing))
  func sizes() throws {
    let package = try Package()
    let size = try package.size(of: "reader", in: package.vmlinux)
    let right = "reader+0x1/\(Self.hexadecimal(size))"
    let lines = [right, "writer+0x1/0x2"]
    var decoder = package.decoder()
    let decoded = decoder.decode(lines)
    // A frame that fits by chance is not decoded either.
    #expect(decoded == lines)
    #expect(decoder.remarks.count == 1)
    #expect(decoder.remarks.first?.contains("writer has 0x") == true, "\(decoder.remarks)")
    #expect(decoder.remarks.first?.contains("another build") == true)
  }

  @Test("debug information of another build is refused by its build ID", .enabled(if: canRun, missing))
  func buildID() throws {
    let package = try Package()
    let line = "reader+0x1/\(Self.hexadecimal(try package.size(of: "reader", in: package.vmlinux)))"
    var decoder = package.decoder(.init(kernel: "ffff"))
    #expect(decoder.decode([line]) == [line])
    #expect(
      decoder.remarks.first?.contains("has the build ID 0123456789abcdef, and the guest's is ffff") == true
    )
    // A module's build ID may be part of the report.
    decoder = package.decoder(.init(module: { $0 == "cell_net" ? nil : "ff" }))
    #expect(!decoder.decode(["reader+0x0/0x1000 [cell_net]"])[0].isEmpty)
  }

  @Test("debug information that no tool can read is named once", .enabled(if: canRun, missing))
  func noTool() throws {
    let package = try Package()
    let line = "reader+0x1/\(Self.hexadecimal(try package.size(of: "reader", in: package.vmlinux)))"
    var decoder = package.decoder(tool: nil)
    for _ in 0..<2 { #expect(decoder.decode([line]) == [line]) }
    #expect(decoder.remarks.count == 1)
    #expect(decoder.remarks.first?.contains("install binutils") == true, "\(decoder.remarks)")
  }

  @Test("without debug information, and with files that are none, reports stay as they are")
  func nothing() throws {
    let cache = Self.newFolder()
    defer { try? Files.removeTree(cache) }
    let boot = "\(cache)/debug/usr/lib/debug/boot"
    try Files.createDirectories(boot)
    for contents in [
      [], Array("\u{7f}ELF".utf8), [0x7f, 0x45, 0x4c, 0x46, 2, 1] + [UInt8](repeating: 0xff, count: 90),
    ] {
      try Files.write(contents, to: "\(boot)/vmlinux-\(Self.release)")
      var decoder = ReportDecoder(DebugFolders(release: Self.release, kernel: "/", cache: cache))
      #expect(decoder.decode(["reader+0x1/0x7", "x"]) == ["reader+0x1/0x7", "x"])
      #expect(decoder.remarks.isEmpty)
    }
  }

  @Test("the lines of addr2line are read with its discriminators and its unknown places")
  func toolOutput() {
    let output = """
      0x0000000000000010
      load
      /s/probe.c:3 (discriminator 2)
      reader
      /s/probe.c:7
      0x0000000000000020
      ??
      ??:0
      0x0000000000000030
      f
      x.c:?
      """
    let lines = LineTool.parse(output).map { $0.map { "\($0.function) \($0.file):\($0.line)" } }
    #expect(lines == [["load /s/probe.c:3", "reader /s/probe.c:7"], [], []])
  }
}
