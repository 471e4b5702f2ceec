import ProviumLua
import ProviumRuntime
import ProviumSystem

extension TestCatalogue {
  /// Reads one file's tests from its source. It is compiled, to find syntax errors, but never run.
  static func catalogue(_ file: TestFile, compiler: LuaState?) -> CataloguedFile {
    let source: [UInt8]
    do { source = try Files.read(file.path) } catch {
      return broken(file, message: "\(error)", line: 1)
    }
    do {
      _ = try compiler?.loadFile(file.path)
    } catch let failure as ProviumLua.LuaFailure where failure.kind == .syntax {
      return broken(file, message: failure.message, line: failure.location?.line ?? 1)
    } catch {}
    let script = LuaSourceScanner.scan(source)
    var exempt: [[String]: String] = [:]
    var tests = script.listed.filter(isCertain(in: script)).map { listed in
      let around = exempt[listed.path.dropLast()]
      let disabled = around ?? reason(listed.test)
      exempt[listed.path] = disabled
      return CataloguedTest(
        part: .subTest(listed.path),
        safeName: XMLText.name(listed.name),
        line: listed.test.line,
        column: listed.test.column,
        disabled: disabled
      )
    }
    let lines = source.count { $0 == UInt8(ascii: "\n") } + 1
    tests.append(scriptTest(line: lines))
    return CataloguedFile(file: file, tests: tests, complaint: nil)
  }

  /// What stands in a condition or a loop may run never, or often: only running tells, so `(script)` tells of it.
  private static func isCertain(in script: ScannedScript) -> (ListedTest) -> Bool {
    // What the file calls `test` may not be ours.
    guard !script.redefinesFunctions else { return { _ in false } }
    var uncertain: Set<[String]> = []
    var seen: Set<[String]> = []
    for listed in script.listed {
      let isBelow = uncertain.contains { listed.path.starts(with: $0) }
      if isBelow || listed.test.isConditional || !seen.insert(listed.path).inserted {
        uncertain.insert(listed.path)
      }
    }
    return { !uncertain.contains($0.path) }
  }

  private static func reason(_ test: ScannedTest) -> String? {
    switch test.exemption {
    case .skip(let reason): reason ?? "skipped"
    case .todo(let reason): reason.map { "todo: \($0)" } ?? "todo"
    case nil: test.isSlow && !includesSlow ? "slow (set \(slowVariable)=1)" : nil
    }
  }

  /// What `--include-slow` is for `provium test`.
  private static let slowVariable = "PROVIUM_INCLUDE_SLOW"
  package static let includesSlow = Environment[slowVariable].map { $0 != "0" } ?? false

  private static func broken(_ file: TestFile, message: String, line: Int) -> CataloguedFile {
    CataloguedFile(file: file, tests: [scriptTest(line: line)], complaint: (message, line))
  }

  private static func scriptTest(line: Int) -> CataloguedTest {
    CataloguedTest(part: .script, safeName: "(script)", line: line, column: 1, disabled: nil)
  }
}
