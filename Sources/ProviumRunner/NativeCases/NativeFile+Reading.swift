import ProviumLua
import ProviumRuntime
import ProviumScripts
import ProviumSystem

extension NativeFile {
  /// Reads the cases of one file from its source. Compiles the source to find syntax errors; never runs it.
  static func read(_ file: TestFile, compiler: LuaState?) -> NativeFile {
    let source: [UInt8]
    do { source = try Files.read(file.path) } catch {
      return broken(file, message: "\(error)", line: 1)
    }
    do {
      _ = try compiler?.loadFile(file.path)
    } catch let failure as LuaFailure where failure.kind == .syntax {
      return broken(file, message: failure.message, line: failure.location?.line ?? 1)
    } catch {}
    let script = LuaSourceScanner.scan(source)
    var exempt: [[String]: String] = [:]
    var cases = script.listed.filter(isCertain(in: script)).map { listed in
      let around = exempt[listed.path.dropLast()]
      let disabled = around ?? reason(listed.test)
      exempt[listed.path] = disabled
      return NativeCase(
        subject: .subTest(listed.path),
        safeName: XMLText.name(listed.name),
        line: listed.test.line,
        column: listed.test.column,
        disabled: disabled
      )
    }
    let lines = source.count { $0 == UInt8(ascii: "\n") } + 1
    cases.append(scriptCase(line: lines))
    return NativeFile(file: file, cases: cases, complaint: nil)
  }

  /// The cases of a suite's file: its programs. Boots nothing.
  static func suite(_ file: TestFile, of suites: ProjectTests, kind: String) -> NativeFile {
    let cases = suites.script(ofSuite: file).listed.map { listed in
      NativeCase(
        subject: .subTest(listed.path),
        safeName: XMLText.name(listed.name),
        line: 1,
        column: 1,
        disabled: reason(listed.test)
      )
    }
    return NativeFile(
      file: file,
      cases: cases + [scriptCase(line: 1)],
      complaint: nil,
      suites: suites,
      kind: kind
    )
  }

  /// Whether a sub-test runs exactly once. One in a condition or a loop may run never or often: it belongs to `(script)`.
  private static func isCertain(in script: ScannedScript) -> (ListedTest) -> Bool {
    // `test` may be a function of the file's own.
    guard !script.redefinesFunctions else { return { _ in false } }
    var uncertain: Set<[String]> = []
    for listed in script.listed {
      let isBelow = uncertain.contains { listed.path.starts(with: $0) }
      if isBelow || listed.test.isConditional { uncertain.insert(listed.path) }
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

  /// The counterpart of `--include-slow`.
  private static let slowVariable = "PROVIUM_INCLUDE_SLOW"
  static let includesSlow = Environment[slowVariable].map { $0 != "0" } ?? false

  private static func broken(_ file: TestFile, message: String, line: Int) -> NativeFile {
    NativeFile(file: file, cases: [scriptCase(line: line)], complaint: (message, line))
  }

  private static func scriptCase(line: Int) -> NativeCase {
    NativeCase(subject: .script, safeName: "(script)", line: line, column: 1, disabled: nil)
  }
}
