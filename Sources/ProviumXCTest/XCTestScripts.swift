import Dispatch
import ProviumRunner
import ProviumScripts
import Synchronization
import XCTest

/// The native cases as cases of XCTest, and the runs that they belong to. Thread-safe.
final class XCTestScripts: Sendable {
  static let shared = XCTestScripts()

  private struct State {
    var selected: Set<String> = []
    var runs: [TestFile: NativeRun] = [:]
  }
  private let state = Mutex(State())

  /// - Parameter name: The name of a case in XCTest, with or without the class in front of it.
  func select(_ name: String) { _ = state.withLock { $0.selected.insert(name) } }

  func cases() -> [(String, XCTestCaseClosure)] {
    let catalogue = TestCatalogue.shared
    var cases: [(String, XCTestCaseClosure)] = catalogue.files.flatMap { file in
      file.cases.map { test -> (String, XCTestCaseClosure) in
        (Self.name(file, test), { try XCTestScripts.shared.run(file, test, in: $0) })
      }
    }
    if let complaint = catalogue.complaint {
      cases.append(("(provium)", { _ in XCTFail(complaint) }))
    }
    return cases
  }

  private struct Key: Hashable {
    let file: TestFile
    let subject: NativeCase.Subject
  }

  /// The name of each case. Names that would be equal (`a.b` and `a_b`) are numbered.
  private static let names: [Key: String] = {
    var names: [Key: String] = [:]
    var taken: Set<String> = []
    for file in TestCatalogue.shared.files {
      for test in file.cases {
        let wanted = safeName(file, test)
        var name = wanted
        var number = 2
        while !taken.insert(name).inserted {
          name = "\(wanted)~\(number)"
          number += 1
        }
        names[Key(file: file.file, subject: test.subject)] = name
      }
    }
    return names
  }()

  private static func name(_ file: NativeFile, _ test: NativeCase) -> String {
    names[Key(file: file.file, subject: test.subject)] ?? safeName(file, test)
  }

  /// Returns `net-dhcp_lua: renew`: no character that a filter gives a meaning to.
  private static func safeName(_ file: NativeFile, _ test: NativeCase) -> String {
    String(
      "\(file.stem)_\(file.kind): \(test.safeName)".map { character in
        switch character {
        case ".": "_"
        case "/", ",": "-"
        default: character
        }
      }
    )
  }

  private func isSelected(_ file: NativeFile, _ test: NativeCase) -> Bool {
    let name = Self.name(file, test)
    return state.withLock { state in state.selected.contains { $0 == name || $0.hasSuffix(".\(name)") } }
  }

  // MARK: One case

  private func run(_ file: NativeFile, _ test: NativeCase, in testCase: XCTestCase) throws {
    if let complaint = file.complaint {
      return Self.fail(complaint.message, in: file, line: complaint.line, of: testCase)
    }
    if let reason = test.disabled { throw XCTSkip(reason) }
    let run = try run(of: file)
    var reader = CaseReader(file, test)
    guard let reports = run.reports(for: test.subject) else {
      return Self.fail(reader.repeated, in: file, of: testCase)
    }
    for report in Self.wait(for: reports) {
      for failure in reader.read(report) { Self.fail(failure, in: file, of: testCase) }
    }
    if test.subject == .script { Self.waitForEnd(of: run) }
    if let reason = reader.skipReason { throw XCTSkip(reason) }
  }

  private func run(of file: NativeFile) throws -> NativeRun {
    if let run = state.withLock({ $0.runs[file.file] }) { return run }
    guard let engine = SharedEngine.engine else { throw ScriptFailure(description: SharedEngine.complaint) }
    let selected = file.cases.filter { $0.disabled == nil && isSelected(file, $0) }
    let run = try NativeRun(file, selected: Set(selected.map(\.subject)), engine: engine)
    try run.start()
    state.withLock { $0.runs[file.file] = run }
    return run
  }

  private static func fail(_ failure: CaseReader.CaseFailure, in file: NativeFile, of testCase: XCTestCase) {
    let lines = [failure.message] + (failure.details.map { [$0] } ?? [])
    fail(lines.joined(separator: "\n"), in: file, line: failure.line, of: testCase)
  }

  /// Records a failure. `XCTFail` takes only a path that is known at compile time; a case takes any path.
  private static func fail(_ message: String, in file: NativeFile, line: Int, of testCase: XCTestCase) {
    testCase.recordFailure(
      withDescription: XMLText.clean(message),
      inFile: file.file.path,
      atLine: max(1, line),
      expected: true
    )
  }

  // MARK: From asynchronous code

  /// Blocks until the stream ends. XCTest's cases run on the main thread, which may block: the script has its own thread.
  private static func wait(for reports: AsyncStream<NativeRun.Report>) -> [NativeRun.Report] {
    let collected = Mutex<[NativeRun.Report]>([])
    let done = DispatchSemaphore(value: 0)
    Task.detached {
      for await report in reports { collected.withLock { $0.append(report) } }
      done.signal()
    }
    done.wait()
    return collected.withLock { $0 }
  }

  private static func waitForEnd(of run: NativeRun) {
    let done = DispatchSemaphore(value: 0)
    Task.detached {
      await run.waitForEnd()
      done.signal()
    }
    done.wait()
  }
}

/// Why no case can run.
private struct ScriptFailure: Error, CustomStringConvertible {
  let description: String
}
