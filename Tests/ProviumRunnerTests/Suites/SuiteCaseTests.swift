import ProviumRuntime
import ProviumSystem
import Testing

@testable import ProviumRunner

@Suite("Native cases of suites") struct SuiteCaseTests {
  private func catalogue(_ settings: String, _ files: [String: String] = [:]) throws -> (
    ScratchTree, TestCatalogue
  ) {
    let scratch = try ScratchTree(
      ["provium.toml": settings, "tests/a.lua": "test(\"one\", function() end)\n"].merging(files) { $1 }
    )
    return (scratch, TestCatalogue(root: scratch.path))
  }
  private func names(_ catalogue: TestCatalogue) -> [String] {
    catalogue.files.flatMap { file in
      file.cases.map { "\(file.family)/\(file.stem).\(file.kind)/\($0.safeName)" }
    }
  }

  @Test("are the programs of a selftest suite, beside those of scripts") func selftests() throws {
    let (scratch, catalogue) = try catalogue(
      "[provium]\ntests = [\"tests\"]\n[suite.ks]\nkind = \"kselftest\"\npath = \"tree\"\nskip = [\"size:*\"]\n",
      ["tree/kselftest-list.txt": "timers:posix_timers\ntimers:rtc.sh\nsize:get_size\n"]
    )
    #expect(catalogue.complaint == nil)
    #expect(
      names(catalogue) == [
        "LuaTests/a.lua/one", "LuaTests/a.lua/(script)",
        "SuiteTests/ks/timers:posix_timers.kselftest/posix_timers",
        "SuiteTests/ks/timers:posix_timers.kselftest/(script)",
        "SuiteTests/ks/timers:rtc_sh.kselftest/rtc.sh", "SuiteTests/ks/timers:rtc_sh.kselftest/(script)",
      ]
    )
    withExtendedLifetime(scratch) {}
  }

  @Test("of KUnit are one for each pattern, since only a boot shows more") func kunit() throws {
    let (scratch, catalogue) = try catalogue(
      "[suite.units]\nkind = \"kunit\"\nsuites = [\"list*\", \"time*\"]\n"
    )
    #expect(
      names(catalogue) == ["SuiteTests/units/list*.kunit/(script)", "SuiteTests/units/time*.kunit/(script)"]
    )
    withExtendedLifetime(scratch) {}
  }

  @Test("of KUnit are one for each suite of the kernel's modules, found without a boot") func modules() throws
  {
    let source = """
      struct kunit_suite { const char name[256]; } one = { "list-kunit-test" }, two = { "list_sort" };
      struct kunit_suite *all[] __attribute__((section(".kunit_test_suites"))) = { &one, &two };
      """
    let (scratch, _) = try catalogue(
      "[profile.default]\nkernel = \"bzImage\"\nmodules = \"6.1.0\"\n[suite.units]\nkind = \"kunit\"\n"
        + "suites = [\"list*\", \"list_sort.a*\", \"time\"]\n",
      [
        "6.1.0/modules.dep": "kernel/lib/list-test.ko:\nkernel/lib/other.ko:\n",
        "6.1.0/modules.builtin": "kernel/lib/kunit/kunit.ko\n", "list.c": source, "other.c": "int x;",
        "6.1.0/kernel/lib/place": "",
      ]
    )
    for (file, module) in [("list", "list-test"), ("other", "other")] {
      let object = "\(scratch.path)/6.1.0/kernel/lib/\(module).ko"
      _ = try ToolRun.run("cc", ["-c", "-o", object, "\(scratch.path)/\(file).c"])
    }
    let catalogue = TestCatalogue(root: scratch.path)
    #expect(
      names(catalogue).filter { !$0.hasSuffix("(script)") } == [
        "SuiteTests/units/list-kunit-test.kunit/list-kunit-test",
        "SuiteTests/units/list_sort.kunit/list_sort",
        "SuiteTests/units/list_sort_a*.kunit/list_sort",
      ]
    )
    // Suites that only a boot shows: not one for the name of a module's suite.
    #expect(
      Set(names(catalogue).filter { $0.hasSuffix("(script)") }).subtracting([
        "SuiteTests/units/list-kunit-test.kunit/(script)", "SuiteTests/units/list_sort.kunit/(script)",
        "SuiteTests/units/list_sort_a*.kunit/(script)",
      ]) == ["SuiteTests/units/list*.kunit/(script)", "SuiteTests/units/time.kunit/(script)"]
    )
  }

  @Test("with a missing tree are a complaint that hides no script") func missing() throws {
    let (scratch, catalogue) = try catalogue(
      "[provium]\ntests = [\"tests\"]\n[suite.ks]\nkind = \"kselftest\"\npath = \"tree\"\n"
    )
    #expect(names(catalogue).first == "LuaTests/a.lua/one")
    #expect(catalogue.complaint?.contains("no such folder") == true)
    withExtendedLifetime(scratch) {}
  }
}
