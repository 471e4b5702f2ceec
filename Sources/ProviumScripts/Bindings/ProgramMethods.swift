import ProviumAgentClient
import ProviumEvents
import ProviumKTAP
import ProviumLua
import ProviumRuntime
import ProviumSystem

/// `vm:ktap`: programs in the guest that print results.
enum ProgramMethods {
  /// `vm:ktap(cmd [, opts])`
  static func ktap<Object: GuestObject>(_ object: Object, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 2)
    guard !object.context.scope.isBuildingFixture else {
      throw call.misuse("a fixture's script has no sub-tests, and no report would show the results: use exec")
    }
    let command = ByteString(try call.bytes(1, "cmd"))
    let options = try CommandArguments.options(call)
    let location = ScriptLocation(
      file: call.location?.file ?? object.context.scope.name,
      line: call.location?.line ?? 1
    )
    var run = Recording(object.context.subTests, at: location)
    let ended = try object.perform("ktap \(command.brief)", allowance: options.timeout ?? .zero) {
      connection,
      deadline in
      try TestProgram(command, options).run(on: connection, until: deadline) { result, duration in
        object.context.scope.context.inTurn { run.take(result, duration) }
      }
    }
    try run.conclude(ended, command: command)
    return [table(ended, counts: run.counts)]
  }

  private static func table(_ ended: TestProgram.Ended, counts: Recording.Counts) -> LuaValue {
    var table = LuaTable()
    table["ok"] = .boolean(ended.verdict == .passed)
    table["exit_code"] = .integer(Int64(ended.exitStatus))
    table["passed"] = .integer(Int64(counts.passed))
    table["failed"] = .integer(Int64(counts.failed))
    table["skipped"] = .integer(Int64(counts.skipped))
    table["todo"] = .integer(Int64(counts.todo))
    return .table(table)
  }
}

/// Records the results of one program as sub-tests of the test that runs it.
private struct Recording {
  struct Counts {
    var passed = 0, failed = 0, skipped = 0, todo = 0
  }

  private(set) var counts = Counts()
  private let subTests: SubTestRunner
  private let location: ScriptLocation
  private var results: ProgramSubTests
  /// The program's own name of an outermost test, and its name among the sub-tests of the running test.
  private var names: [String: String] = [:]

  init(_ subTests: SubTestRunner, at location: ScriptLocation) {
    self.subTests = subTests
    self.location = location
    results = ProgramSubTests(at: location)
  }

  mutating func take(_ result: KTAPResult, _ duration: Double) {
    let test = results.subTest(result)
    switch test.outcome {
    case .passed: counts.passed += 1
    case .failed: counts.failed += 1
    case .skipped: counts.skipped += 1
    case .todo: counts.todo += 1
    }
    record(test, duration)
  }

  private mutating func record(_ test: ProgramSubTests.SubTest, _ duration: Double) {
    guard let first = test.path.first else { return }
    let name = names[first] ?? subTests.stack.nextName(first)
    names[first] = name
    subTests.record(test, named: [name] + test.path.dropFirst(), duration: duration, at: location)
  }

  /// Tells what the results alone do not tell: how the program ended.
  /// - Throws: a failure, or the signal of a skipped test, which ends the running test.
  mutating func conclude(_ ended: TestProgram.Ended, command: ByteString) throws {
    guard ended.summary.results > 0 else {
      // The exit status is the only result.
      record(
        ProgramSubTests.SubTest(
          path: [command.brief],
          outcome: outcome(of: ended),
          output: ended.summary.trailingText.isEmpty ? "" : ended.summary.trailingText + "\n"
        ),
        0
      )
      return
    }
    guard !ended.isExplainedByResults else { return }
    switch ended.verdict {
    case .passed: break
    case .skipped(let reason): throw ScriptSignal.skip(reason: reason)
    case .failed(let message): throw LuaAssertion("\(command.brief): \(message)")
    case .timedOut: throw ProviumError(.timeout, "\(command.brief): \(Self.timedOutMessage)")
    }
  }

  private static let timedOutMessage = "the program reached its time limit and was ended"

  private func outcome(of ended: TestProgram.Ended) -> Outcome {
    switch ended.verdict {
    case .passed: .passed
    case .skipped(let reason): .skipped(reason: reason)
    case .failed(let message): .failed(Failure(kind: .assertion, message: message, location: location))
    case .timedOut: .failed(Failure(kind: .timeout, message: Self.timedOutMessage, location: location))
    }
  }
}
