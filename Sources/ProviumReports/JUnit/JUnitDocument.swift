import ProviumEvents
import ProviumSystem

/// A run as JUnit XML, with the elements that the readers of Ant, Jenkins and GitLab share. Pure.
///
///     testsuites                      the run
///       testsuite                     one test file (retries: the last attempt)
///                                   (on several kernels: one file on one kernel)
///         properties, testcase…, system-out
///           testcase                  one sub-test; or the script itself, when it has none or failed outside them
///             skipped | failure | error, system-out
///
/// `failure`: the code under test is wrong. An assertion did not hold, the kernel printed a report that the test
/// did not expect, or an inner sub-test failed. `error`: the code under test was not judged. The script raised an
/// error, a time limit was reached, or an infrastructure error occurred. `skipped`: skipped tests and todos.
/// Helpers are not tests and are left out.
///
/// Readers identify a test case by `classname` and `name`. This pair is unique in the document, and does not depend
/// on the other files of a run.
package struct JUnitDocument: Sendable {
  /// The whole document.
  package let text: String

  /// Makes the document of the run so far. Files that still run count as errors.
  package init(of record: RunRecord) {
    let machines = Dictionary(grouping: record.machines, by: \.description.file)
    var names = JUnitNames()
    let suites = record.finalRuns.map { run in
      (run, run.finished(at: record.duration, because: record.ending?.stoppedEarly))
    }.filter { !$0.1.isHelper }.enumerated().map { number, pair in
      JUnitSuite(
        result: pair.1,
        run: pair.0,
        number: number,
        earlier: record.attempts(before: pair.0),
        header: record.header,
        machines: machines[pair.1.file] ?? [],
        names: &names
      )
    }
    let element = XMLElement(
      "testsuites",
      [
        ("name", "provium"), ("tests", "\(suites.reduce(0) { $0 + $1.tests })"),
        ("failures", "\(suites.reduce(0) { $0 + $1.failures })"),
        ("errors", "\(suites.reduce(0) { $0 + $1.errors })"),
        ("time", Amount.decimal(record.summary.duration)),
      ],
      children: suites.map(\.element)
    )
    text = element.document
  }
}

/// One file as a test suite.
private struct JUnitSuite {
  private(set) var tests = 0
  private(set) var failures = 0
  private(set) var errors = 0
  private var skipped = 0
  private(set) var element = XMLElement("testsuite")

  init(
    result: FileResult,
    run: FileRun,
    number: Int,
    earlier: [FileResult],
    header: RunHeader?,
    machines: [MachineRun],
    names: inout JUnitNames
  ) {
    let cell = header?.cell(of: result.file) ?? MatrixCell(file: result.file, kernel: nil)
    let className = JUnitNames.className(cell, isMatrix: header?.isMatrix ?? false)
    var cases: [XMLElement] = []
    for test in TestTree.ordered(result.subTests) {
      let name = names.testCase(test.title, of: run, className: className)
      let result = test.result
      cases.append(add(name, className, result.outcome, time: result.duration, output: result.output))
    }
    if result.outcome.isFailure || result.subTests.isEmpty {
      // The sub-tests have their own times.
      let own = max(
        0,
        result.duration - result.subTests.filter { $0.path.count == 1 }.reduce(0) { $0 + $1.duration }
      )
      let name = names.testCase(cell.file, of: run, className: className)
      cases.append(add(name, className, result.outcome, time: own, output: ""))
    }
    element.attributes = [
      ("name", names.suite(run)), ("id", "\(number)"), ("package", Files.parent(of: cell.file)),
      ("hostname", "localhost"),
      ("timestamp", Amount.timestamp((header?.startedAt ?? 0) + run.started)), ("tests", "\(tests)"),
      ("failures", "\(failures)"), ("errors", "\(errors)"), ("skipped", "\(skipped)"),
      ("time", Amount.decimal(result.duration)),
    ]
    let output = ([result.output, result.logPath.map { "log: \($0)\n" } ?? ""] + earlier.map(Self.attempt))
      .joined()
    element.children =
      [XMLElement("properties", children: properties(result, cell.kernel, header, machines))] + cases
      + [XMLElement("system-out", text: output), XMLElement("system-err")]
  }

  private mutating func add(
    _ name: String,
    _ className: String,
    _ outcome: Outcome,
    time: Double,
    output: String
  ) -> XMLElement {
    tests += 1
    var element = XMLElement(
      "testcase",
      [("name", name), ("classname", className), ("time", Amount.decimal(time))]
    )
    var details = ""
    switch outcome {
    case .passed: break
    case .todo(let reason):
      skipped += 1
      element.children.append(
        XMLElement("skipped", [("message", reason.isEmpty ? "todo" : "todo: \(reason)")])
      )
    case .skipped(let reason):
      skipped += 1
      element.children.append(XMLElement("skipped", [("message", reason)]))
    case .failed(let failure):
      let isFailure = [.assertion, .kernelReport, .inner].contains(failure.kind)
      if isFailure { failures += 1 } else { errors += 1 }
      let lines =
        [failure.summary] + (failure.traceback.isEmpty ? [] : ["", "traceback:"] + failure.traceback)
      element.children.append(
        XMLElement(
          isFailure ? "failure" : "error",
          [("message", HarmlessText.lines(failure.message).first ?? ""), ("type", failure.kind.rawValue)],
          text: lines.joined(separator: "\n")
        )
      )
      details = Self.details(failure)
    }
    if !output.isEmpty || !details.isEmpty {
      element.children.append(XMLElement("system-out", text: output + details))
    }
    return element
  }

  /// The failures of an attempt that was followed by another.
  private static func attempt(_ result: FileResult) -> String {
    let outcomes = result.subTests.map(\.outcome) + [result.outcome]
    let texts = outcomes.compactMap { outcome -> String? in
      guard case .failed(let failure) = outcome, failure.kind != .inner else { return nil }
      return failure.summary + "\n" + details(failure)
    }
    return "--- attempt \(result.attempt + 1) failed ---\n" + texts.joined()
  }

  private static func details(_ failure: Failure) -> String {
    func section(_ title: String, _ lines: [String]) -> String {
      lines.isEmpty ? "" : "--- \(title) ---\n" + lines.map { $0 + "\n" }.joined()
    }
    return section("kept", failure.keptLines) + section("last operations", failure.trace)
      + section("console", failure.console)
  }

  /// The properties of the suite. The older schemas know no properties of a test case.
  private func properties(
    _ result: FileResult,
    _ kernel: String?,
    _ header: RunHeader?,
    _ machines: [MachineRun]
  ) -> [XMLElement] {
    var pairs: [(String, String)] = []
    if let header {
      pairs = [
        ("provium.version", header.version), ("provium.qemu", header.qemu),
        ("provium.accelerator", header.acceleratorText), ("provium.channel", header.channel),
      ]
    }
    if let kernel { pairs.append(("provium.kernel.name", kernel)) }
    var seen = Set<String>()
    for machine in machines {
      if let kernel = machine.description.kernel, seen.insert(kernel).inserted {
        pairs.append(("provium.kernel", kernel))
      }
    }
    if result.attempt > 0 { pairs.append(("provium.attempts", "\(result.attempt + 1)")) }
    for test in TestTree.ordered(result.subTests) {
      let tags = test.result.tags
      if !tags.isEmpty { pairs.append(("\(test.title): tags", tags.joined(separator: " "))) }
      for (key, value) in test.result.properties.sorted(by: { $0.key < $1.key }) {
        pairs.append(("\(test.title): \(key)", value))
      }
    }
    return pairs.filter { !$0.1.isEmpty }.map { XMLElement("property", [("name", $0.0), ("value", $0.1)]) }
  }
}
