import Dispatch
import ProviumCases
import ProviumEvents
import ProviumRuntime
import Synchronization
import XCTest

/// The scripts behind XCTest's cases: which sub-tests were selected, and the runs that are on.
final class XCTestScripts: Sendable {
  static let shared = XCTestScripts()

  private struct State {
    var selected: Set<String> = []
    var runs: [String: ScriptRun] = [:]
  }
  private let state = Mutex(State())

  /// - Parameter name: as XCTest has it, with or without the class before it.
  func select(_ name: String) { _ = state.withLock { $0.selected.insert(name) } }

  func cases() -> [(String, XCTestCaseClosure)] {
    let catalogue = TestCatalogue.shared
    var cases: [(String, XCTestCaseClosure)] = catalogue.files.flatMap { file in
      file.tests.map { test -> (String, XCTestCaseClosure) in
        (Self.name(file, test), { try XCTestScripts.shared.run(file, test, in: $0) })
      }
    }
    if let complaint = catalogue.complaint {
      cases.append(("(provium)", { _ in XCTFail(complaint) }))
    }
    return cases
  }

  private struct Key: Hashable {
    let file: String
    let part: ScriptRun.Part
  }

  /// Of every test; two that would be the same (`a.b` and `a_b`) are numbered.
  private static let names: [Key: String] = {
    var names: [Key: String] = [:]
    var taken: Set<String> = []
    for file in TestCatalogue.shared.files {
      for test in file.tests {
        let wanted = harmlessName(file, test)
        var name = wanted
        var number = 2
        while !taken.insert(name).inserted {
          name = "\(wanted)~\(number)"
          number += 1
        }
        names[Key(file: file.file.path, part: test.part)] = name
      }
    }
    return names
  }()

  private static func name(_ file: CataloguedFile, _ test: CataloguedTest) -> String {
    names[Key(file: file.file.path, part: test.part)] ?? harmlessName(file, test)
  }

  /// `net/dhcp_lua: renew`, without what a filter gives a meaning to.
  private static func harmlessName(_ file: CataloguedFile, _ test: CataloguedTest) -> String {
    let text = "\(file.stem)_lua: \(test.safeName)"
    return String(
      text.map { character in
        switch character {
        case ".": "_"
        case "/", ",": "-"
        default: character
        }
      }
    )
  }

  private func isSelected(_ file: CataloguedFile, _ test: CataloguedTest) -> Bool {
    let name = Self.name(file, test)
    return state.withLock { state in state.selected.contains { $0 == name || $0.hasSuffix(".\(name)") } }
  }

  // MARK: One case

  private func run(_ file: CataloguedFile, _ test: CataloguedTest, in testCase: XCTestCase) throws {
    if let complaint = file.complaint {
      return Self.fail(complaint.message, at: (file.file.path, complaint.line), of: testCase)
    }
    if let reason = test.disabled { throw XCTSkip(reason) }
    let script = try script(of: file)
    guard let reports = script.reports(for: test.part) else {
      return Self.fail(
        "a Lua sub-test cannot be repeated on its own: its file runs as a whole",
        at: (file.file.path, test.line),
        of: testCase
      )
    }
    for report in Self.wait(for: reports) { try deliver(report, file, test, in: testCase) }
    if test.part == .script { Self.waitForEnd(of: script) }
  }

  private func script(of file: CataloguedFile) throws -> ScriptRun {
    if let run = state.withLock({ $0.runs[file.file.path] }) { return run }
    guard let engine = SharedEngine.engine else { throw ScriptFailure(description: SharedEngine.complaint) }
    let selected = file.tests.filter { $0.disabled == nil && isSelected(file, $0) }
    let run = ScriptRun(
      file: file.file,
      number: SharedEngine.nextNumber(),
      listed: Set(file.enabledPaths),
      selected: Set(selected.map(\.part)),
      engine: engine
    )
    try run.start()
    state.withLock { $0.runs[file.file.path] = run }
    return run
  }

  private func deliver(
    _ report: ScriptRun.Report,
    _ file: CataloguedFile,
    _ test: CataloguedTest,
    in testCase: XCTestCase
  ) throws {
    switch report {
    case .ended(let result): try deliver(result.outcome, prefix: "", file, line: test.line, in: testCase)
    case .inner(let result):
      if result.outcome.isFailure {
        try deliver(
          result.outcome,
          prefix: "\(result.name): ",
          file,
          line: result.location.line,
          in: testCase
        )
      }
    case .notReached(let why, let location):
      Self.fail("not reached: \(why)", at: (file.file.path, location?.line ?? test.line), of: testCase)
    case .script(let result, let unlisted):
      for test in unlisted {
        if test.outcome.isFailure {
          try deliver(test.outcome, prefix: "\(test.name): ", file, line: test.location.line, in: testCase)
        }
      }
      try deliver(result.outcome, prefix: "", file, line: test.line, in: testCase)
    }
  }

  private func deliver(
    _ outcome: Outcome,
    prefix: String,
    _ file: CataloguedFile,
    line: Int,
    in testCase: XCTestCase
  ) throws {
    switch outcome {
    case .passed: return
    case .skipped(let reason): throw XCTSkip(reason.isEmpty ? "skipped" : reason)
    case .todo(let reason): throw XCTSkip(reason.isEmpty ? "todo" : "todo: \(reason)")
    case .failed(let failure):
      var lines = [prefix + failure.message]
      if !failure.trace.isEmpty { lines += ["last operations:"] + failure.trace.map { "  \($0)" } }
      if !failure.console.isEmpty { lines += ["console:"] + failure.console.map { "  \($0)" } }
      Self.fail(
        lines.joined(separator: "\n"),
        at: (file.file.path, failure.location?.line ?? line),
        of: testCase
      )
    }
  }

  /// `XCTFail` takes a path known at compile time only; a case takes any.
  private static func fail(_ message: String, at place: (path: String, line: Int), of testCase: XCTestCase) {
    testCase.recordFailure(
      withDescription: XMLText.clean(message),
      inFile: place.path,
      atLine: max(1, place.line),
      expected: true
    )
  }

  // MARK: From asynchronous code

  /// XCTest's cases run on the main thread, which may wait: the script has a thread of its own.
  private static func wait(for reports: AsyncStream<ScriptRun.Report>) -> [ScriptRun.Report] {
    let collected = Mutex<[ScriptRun.Report]>([])
    let done = DispatchSemaphore(value: 0)
    Task.detached {
      for await report in reports { collected.withLock { $0.append(report) } }
      done.signal()
    }
    done.wait()
    return collected.withLock { $0 }
  }

  private static func waitForEnd(of script: ScriptRun) {
    let done = DispatchSemaphore(value: 0)
    Task.detached {
      await script.waitForEnd()
      done.signal()
    }
    done.wait()
  }
}

/// Why no case can run.
struct ScriptFailure: Error, CustomStringConvertible {
  let description: String
}
