import ProviumSystem
import ProviumEvents
import ProviumSystem

/// A run as TAP version 13 (testanything.org/tap-version-13-specification.html): files are tests, and details of
/// a failure are a YAML block. Sub-tests are indented as version 14 has it; consumers of version 13 ignore
/// indented lines. The version is 13 because `prove` refuses a higher one. Pure.
///
/// A todo is `not ok … # TODO`, TAP's expected failure. A file that failed outside its sub-tests is `not ok` by
/// itself. A run that was stopped bails out.
package struct TAPDocument: Sendable {
  /// The whole document.
  package private(set) var text: String

  /// Makes the document of the run so far. Files that still run are not ok.
  package init(of record: RunRecord) {
    let results = record.finalRuns.map { run in
      (run.title, run.finished(at: record.duration, because: record.ending?.stoppedEarly))
    }.filter { !$0.1.isHelper }
    text = "TAP version 13\n"
    if let header = record.header {
      let kernel = record.kernels.first.map { "kernel \($0), " } ?? ""
      comment(
        "provium \(header.version): \(kernel)QEMU \(header.qemu), \(header.accelerator), \(header.channel)"
      )
    }
    for warning in record.warnings {
      comment("warning: \(warning.file.map { "\($0): " } ?? "")\(warning.text)")
    }
    // The plan counts the files that a stopped run did not reach.
    let planned = results.count + record.missing.count
    text += "1..\(planned)\(planned == 0 ? " # SKIP no test file ran" : "")\n"
    for (number, pair) in results.enumerated() { add(pair.1, title: pair.0, number: number + 1) }
    if let reason = record.summary.stoppedEarly { text += "Bail out! \(Self.escaped(reason))\n" }
  }

  private mutating func comment(_ comment: String) { text += "# \(HarmlessText.line(comment))\n" }

  private mutating func add(_ result: FileResult, title: String, number: Int) {
    let roots = TestTree.roots(of: result.subTests)
    subTests(roots, of: title, indent: "")
    var details = TAPDetails()
    details.add("duration_ms", number: result.duration * 1000)
    if let log = result.logPath { details.add("log", log) }
    if result.attempt > 0 { details.add("attempt", "\(result.attempt + 1)") }
    if case .failed(let failure) = result.outcome { details.add(failure) }
    if !result.output.isEmpty, result.hasFailed { details.add("output", result.output) }
    point(result.outcome, isOK: !result.hasFailed, number: number, name: title, details: details, indent: "")
  }

  private mutating func subTests(_ tests: [TestTree], of name: String, indent: String) {
    guard !tests.isEmpty else { return }
    text += "\(indent)# Subtest: \(Self.escaped(name))\n"
    let inner = indent + "    "
    text += "\(inner)1..\(tests.count)\n"
    for (number, test) in tests.enumerated() {
      subTests(test.children, of: test.title, indent: inner)
      var details = TAPDetails()
      if let result = test.result {
        details.add("duration_ms", number: result.duration * 1000)
        if case .failed(let failure) = result.outcome {
          details.add(failure)
          if !result.output.isEmpty { details.add("output", result.output) }
        }
      }
      point(
        test.result?.outcome ?? .passed,
        isOK: !test.hasFailed,
        number: number + 1,
        name: test.title,
        details: details,
        indent: inner
      )
    }
  }

  private mutating func point(
    _ outcome: Outcome,
    isOK: Bool,
    number: Int,
    name: String,
    details: TAPDetails,
    indent: String
  ) {
    var isOK = isOK
    var directive = ""
    switch outcome {
    case .todo(let reason):
      isOK = false
      directive = " # TODO\(reason.isEmpty ? "" : " \(Self.escaped(reason))")"
    case .skipped(let reason): directive = " # SKIP\(reason.isEmpty ? "" : " \(Self.escaped(reason))")"
    case .passed, .failed: break
    }
    text += "\(indent)\(isOK ? "ok" : "not ok") \(number) - \(Self.escaped(name))\(directive)\n"
    text += details.lines.map { "\(indent)  \($0)\n" }.joined()
  }

  /// Puts text on one line, and escapes the character that begins a directive.
  private static func escaped(_ text: String) -> String {
    HarmlessText.line(text).map { $0 == "#" || $0 == "\\" ? "\\\($0)" : String($0) }.joined()
  }
}
