import ProviumRuntime
import ProviumSystem
import Testing

@testable import ProviumRunner

@Suite("The KUnit suites of a kernel's files") struct KUnitSuiteTests {
  /// A module as the kernel's make files build it, as far as KUnit goes.
  private static let module = """
    struct kunit_suite { const char name[256]; int (*init)(void *); };
    static int init(void *suite) { return suite != 0; }
    static struct kunit_suite first = { "list-kunit-test", init };
    struct kunit_suite second = { "time_test_cases", 0 };
    static struct kunit_suite *both[] __attribute__((used, section(".kunit_test_suites"))) = { &first, &second };
    """
  /// A kernel whose linker script put the pointers between two symbols.
  private static let kernel = """
    struct kunit_suite { const char name[256]; int (*init)(void *); };
    struct kunit_suite first = { "overflow", 0 }, second = { "bits-test", 0 };
    __asm__(".data\\n.balign 8\\n.globl __kunit_suites_start, __kunit_suites_end\\n"
            "__kunit_suites_start: .quad first, second\\n__kunit_suites_end: .quad 0\\n");
    void _start(void) {}
    """

  /// Compiles a file for this host.
  private func compile(_ source: String, _ options: [String]) throws -> (ScratchTree, path: String) {
    let scratch = try ScratchTree(["a.c": source])
    let path = "\(scratch.path)/a.out"
    _ = try ToolRun.run("cc", options + ["-o", path, "\(scratch.path)/a.c"])
    return (scratch, path)
  }

  @Test("are named by the relocations of a module's section") func module() throws {
    let (scratch, path) = try compile(Self.module, ["-c"])
    let sections = try #require(ELFSections(path))
    #expect(KUnitSuiteTable.suites(ofModule: sections) == ["list-kunit-test", "time_test_cases"])
    let unpacked = try #require(ELFSections(contents: try Files.read(path)))
    #expect(KUnitSuiteTable.suites(ofModule: unpacked) == ["list-kunit-test", "time_test_cases"])
    withExtendedLifetime(scratch) {}
  }

  @Test("are none in a module without the section") func otherModule() throws {
    let (scratch, path) = try compile("int x;", ["-c"])
    #expect(KUnitSuiteTable.suites(ofModule: try #require(ELFSections(path))) == nil)
    withExtendedLifetime(scratch) {}
  }

  @Test("are named between two symbols of a vmlinux, and unknown without symbols") func kernel() throws {
    let options = ["-nostdlib", "-static", "-no-pie", "-fno-pie", "-Wl,--build-id=none"]
    let (scratch, path) = try compile(Self.kernel, options)
    #expect(KUnitSuiteTable.suites(ofKernel: try #require(ELFSections(path))) == ["overflow", "bits-test"])
    let (other, stripped) = try compile(Self.kernel, options + ["-s"])
    #expect(KUnitSuiteTable.suites(ofKernel: try #require(ELFSections(stripped))) == nil)
    withExtendedLifetime((scratch, other)) {}
  }

  @Test("of a file that is cut or damaged anywhere are read without a crash") func damage() throws {
    for (source, options) in [
      (Self.module, ["-c"]), (Self.kernel, ["-nostdlib", "-static", "-no-pie", "-fno-pie"]),
    ] {
      let (scratch, path) = try compile(source, options)
      let file = try Files.read(path)
      func read(_ bytes: [UInt8]) {
        guard let sections = ELFSections(contents: bytes) else { return }
        _ = KUnitSuiteTable.suites(ofModule: sections)
        _ = KUnitSuiteTable.suites(ofKernel: sections)
      }
      for length in stride(from: 0, to: file.count, by: 61) { read(Array(file.prefix(length))) }
      for place in stride(from: 0, to: file.count, by: 7) {
        var bytes = file
        bytes[place] = 0xFF
        read(bytes)
      }
      withExtendedLifetime(scratch) {}
    }
  }

  @Test("are selected by patterns, as kunit.filter_glob reads them") func filters() throws {
    let filter = try #require(KUnitFilter("list*.add*"))
    #expect(filter.selects(suite: "list-kunit-test") && !filter.selects(suite: "time"))
    #expect(filter.selects(test: "add_tail") && !filter.selects(test: "del"))
    #expect(filter.text(for: "list") == "list.add*")
    #expect(!filter.namesOneSuite)
    #expect(KUnitFilter("time")?.namesOneSuite == true)
    #expect(KUnitFilter("time")?.selects(test: "any") == true)
    #expect(KUnitFilter("a b") == nil && KUnitFilter("") == nil)
  }
}
