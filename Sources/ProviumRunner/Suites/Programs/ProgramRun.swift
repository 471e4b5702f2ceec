import ProviumAgentClient
import ProviumEvents
import ProviumKTAP
import ProviumRuntime
import ProviumScripts
import ProviumSystem
import ProviumVM

/// One run of the programs that share a VM. Belongs to one thread.
final class ProgramRun {
  private let suite: ProgramSuite
  private let unit: ProgramUnit
  private let scope: MachineScope
  private let engine: Engine
  private let selection: SelectedTests
  /// The VM in which the next program runs; nil: a fresh one is resumed.
  private var machine: Machine?
  private var results: [SubTestResult] = []
  private var hasLeftOut = false

  init(_ suite: ProgramSuite, _ unit: ProgramUnit, _ run: TestRun, _ control: ScopeControl) {
    self.suite = suite
    self.unit = unit
    engine = run.engine
    let configuration = run.engine.configuration
    let root = configuration.settings.tests.first ?? configuration.root
    scope = MachineScope(control, fixtureSearch: FixtureSearch(folder: root, root: root))
    selection = SelectedTests(run.selection, in: suite.script(unit, in: configuration))
  }

  /// The time limit of a file, before the timeout multiplier: the sum of its programs' limits.
  static func timeLimit(of unit: ProgramUnit, _ suite: ProgramSuite, atLeast least: Duration) -> Duration {
    // Building the fixture has limits of its own.
    let limits = unit.programs.map { suite.timeout(of: $0) ?? least }
    return max(least, limits.reduce(.seconds(60), +))
  }

  /// Runs every selected program to its end, and ends the VMs.
  func result() -> FileResult {
    let start = Deadline.now
    scope.limited("the file's", to: scope.control.timeout) { _ in
      for program in unit.programs where !scope.isCancelled { take(program) }
    }
    scope.end()
    let outcome: Outcome =
      if let reason = scope.cancellation.reason {
        .failed(Failure(kind: .infrastructure, message: "\(reason) during: \(scope.control.ledger.activity)"))
      } else if results.isEmpty, hasLeftOut {
        .skipped(reason: "no program of it is selected")
      } else {
        .passed
      }
    return FileResult(
      file: scope.name,
      outcome: outcome,
      subTests: results,
      duration: Double(Deadline.now - start) / 1e9
    )
  }

  /// The host files whose change may change the result.
  var touchedFiles: Set<String> {
    Set(unit.programs.compactMap(suite.tree.path)).union(scope.fixtureSources)
      .union(suite.tree.lists)
  }

  // MARK: One program

  private func take(_ program: SuiteProgram) {
    var test = ProgramTest(
      path: [unit.name(of: program)],
      tags: unit.tags(of: program),
      location: ScriptLocation(
        file: Files.display(suite.tree.path(of: program) ?? suite.tree.path),
        line: 1
      )
    )
    switch selection.decide(path: test.path, tags: test.tags, isSlow: false) {
    case .leaveOut:
      hasLeftOut = true
      return
    case .skip(let reason): return finish(test, .skipped(reason: reason))
    case .contain: test.isContainer = true
    case .run: break
    }
    if let reason = suite.exemption(of: program, in: engine.configuration) {
      return finish(test, .skipped(reason: reason))
    }
    if !test.isContainer {
      scope.events.send(.subTestStarted(file: scope.name, path: test.path, location: test.location))
    }
    scope.activity("test \(test.path[0])")
    let usesBefore = Machine.uses
    let (outcome, named) = outcome(of: program, &test)
    var judged = scope.machines.takeReports().judge(outcome, naming: named, at: test.location)
    if judged.isFailure {
      scope.machines.keepKernelLogs()
      judged = kept(explained(judged, of: program), of: test, since: usesBefore)
    }
    // A VM that is left as the program left it would decide the results of the next one.
    if suite.settings.isolation == .program || machine?.state != .booted {
      machine?.kill("its program ended")
      machine = nil
    }
    finish(test, judged)
  }

  /// Runs the program.
  /// - Returns: how it ended, and the kernel reports that the message names.
  private func outcome(of program: SuiteProgram, _ test: inout ProgramTest) -> (
    Outcome, Set<KernelReport.ID>
  ) {
    let machine: Machine
    do { machine = try readyMachine() } catch {
      return (.failed(failure(FailureKind(error), error, at: test.location)), [])
    }
    do {
      if let lack = try suite.exemption(of: program, in: machine) { return (.skipped(reason: lack), []) }
      let command = try ProgramCommand(program, in: suite.tree)
      var options = CommandOptions()
      options.timeout = suite.timeout(of: program).map { $0 * machine.timeoutMultiplier }
      options.environment = command.environment(multiplier: machine.timeoutMultiplier)
        .merging(suite.settings.variables) { $1 }
      var subTests = ProgramSubTests(at: test.location)
      let ended = try machine.perform(
        program.key,
        allowance: options.timeout ?? scope.control.timeout * machine.timeoutMultiplier
      ) { connection, deadline in
        try TestProgram(command.command, options, suite.tree.format).run(on: connection, until: deadline) {
          result,
          duration in
          record(subTests.subTest(result), in: &test, duration: duration)
        }
      }
      test.output = Self.ending(of: ended.summary.trailingText)
      return (outcome(of: ended, program, test, machine), [])
    } catch let error as ProgramCommand.Unusable {
      return (.failed(failure(.error, error, at: test.location)), [])
    } catch {
      return (
        .failed(failure(Self.kind(of: error), error, at: test.location)),
        (error as? ProviumError)?.reports ?? []
      )
    }
  }

  /// Lines that a program printed after its last result, as far as reports show them.
  private static let shownLines = 50

  private static func ending(of text: String) -> String {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard !text.isEmpty, lines.count > shownLines else { return text.isEmpty ? "" : text + "\n" }
    return "… (the last \(shownLines) lines)\n" + lines.suffix(shownLines).joined(separator: "\n") + "\n"
  }

  private func readyMachine() throws -> Machine {
    if let machine { return machine }
    let new = try suite.resume(in: scope, engine.fixtures)
    machine = new
    return new
  }

  private func outcome(
    of ended: TestProgram.Ended,
    _ program: SuiteProgram,
    _ test: ProgramTest,
    _ machine: Machine
  ) -> Outcome {
    switch ended.verdict {
    case .passed: return .passed
    case .skipped(let reason): return .skipped(reason: reason)
    case .timedOut:
      let limit =
        suite.timeout(of: program).map { " of \(Quantity.text($0 * machine.timeoutMultiplier))" } ?? ""
      return .failed(
        Failure(
          kind: .timeout,
          message: "the program reached its time limit\(limit) and was ended",
          location: test.location
        )
      )
    case .failed(let message):
      if ended.isExplainedByResults, !test.failed.isEmpty {
        return .failed(Failure(kind: .inner, message: test.innerMessage, location: test.location))
      }
      if ended.exitStatus == ProgramCommand.notFoundStatus {
        // A shell names the program that it does not find, and a loader the library.
        let said = ended.summary.trailingText.split(separator: "\n").last.map { ": \($0)" } ?? ""
        let lack = lackingProgram(program, machine) ?? message + said
        return .failed(Failure(kind: .error, message: lack, location: test.location))
      }
      return .failed(
        Failure(
          kind: .assertion,
          message: Self.line(of: program, in: ended.summary.trailingText, suite.tree.format) ?? message,
          location: test.location
        )
      )
    }
  }

  /// The line in which a suite's own runner tells how a program failed; nil where it prints results.
  private static func line(of program: SuiteProgram, in text: String, _ format: ProgramFormat) -> String? {
    guard format == .exitStatus else { return nil }
    return text.split(separator: "\n").first { $0.hasPrefix("\(program.key) ") }.map { String($0).trimmed }
  }

  /// The loader or the interpreter that the program needs and the guest does not have; nil: another program was not found.
  private func lackingProgram(_ program: SuiteProgram, _ machine: Machine) -> String? {
    guard let path = suite.tree.path(of: program), let file = try? Files.read(path) else { return nil }
    let loader = ELFProgram(file)?.interpreter
    guard let needed = loader ?? Shebang.interpreter(of: file) else { return nil }
    let isThere = try? machine.perform("looking for \(needed)", allowance: .zero) { connection, deadline in
      try connection.exec(ByteString("[ -e \(ShellWord.quoted(needed)) ]"), until: deadline).isSuccess
    }
    guard isThere == false else { return nil }
    return loader == nil
      ? "the script needs \(needed), which the guest does not have"
      : "the program needs its loader \(needed), which neither the guest nor this host has: link it statically (LDLIBS=-static)"
  }

  /// The kind of an error that ended a program. What the program did to its VM is a failure of the test, not of what carries it.
  private static func kind(of error: any Error) -> FailureKind {
    let cause = (error as? ProviumError)?.cause
    switch cause as? GuestError {
    case .unresponsive?: return .timeout
    // The program ended the agent, while the VM ran on.
    case .lost?: return .assertion
    default: break
    }
    switch cause as? MachineDeath {
    case .exited(status: .exited(0)?, errors: _, shortage: nil, tail: _), .agentLost: return .assertion
    default: return FailureKind(error)
    }
  }

  private func failure(_ kind: FailureKind, _ error: any Error, at location: ScriptLocation) -> Failure {
    if let reason = scope.cancellation.reason {
      return Failure(kind: .infrastructure, message: "\(reason) during: \(scope.control.ledger.activity)")
    }
    return Failure(kind: kind, message: (error as? ProviumError)?.message ?? "\(error)", location: location)
  }

  /// Adds what the VM showed.
  private func explained(_ outcome: Outcome, of program: SuiteProgram) -> Outcome {
    guard case .failed(var failure) = outcome, failure.kind != .inner, let machine else { return outcome }
    failure.trace = machine.traceLines
    if failure.console.isEmpty { failure.console = machine.consoleTail }
    return .failed(failure)
  }

  /// Keeps the VM, if VMs are kept.
  private func kept(_ outcome: Outcome, of test: ProgramTest, since use: UInt64) -> Outcome {
    guard case .failed(let failure) = outcome else { return outcome }
    var own = failure
    // The results of a program's own tests come from the same VM, and do not keep it.
    if own.kind == .inner { own.kind = .assertion }
    own = scope.machines.keep(own, of: test.path, since: use)
    own.kind = failure.kind
    return .failed(own)
  }

  // MARK: Results

  private func record(_ inner: ProgramSubTests.SubTest, in test: inout ProgramTest, duration: Double) {
    if inner.outcome.isFailure, let name = inner.path.first, test.failed.last != name {
      test.failed.append(name)
    }
    let path = test.path + inner.path
    switch selection.decide(path: path, tags: test.tags, isSlow: false) {
    case .run, .skip: break
    case .contain: guard inner.outcome.isFailure else { return }
    case .leaveOut: return
    }
    var result = SubTestResult(
      path: path,
      outcome: inner.outcome,
      duration: duration,
      location: test.location
    )
    result.output = inner.output
    result.tags = test.tags
    results.append(result)
    scope.events.send(.subTestEnded(file: scope.name, result: result))
  }

  private func finish(_ test: ProgramTest, _ outcome: Outcome) {
    // A program that ran for the sake of a selected result is reported only if it failed by itself.
    if test.isContainer, outcome.failure.map({ $0.kind == .inner }) ?? true { return }
    var result = SubTestResult(
      path: test.path,
      outcome: outcome,
      duration: Double(Deadline.now - test.started) / 1e9,
      location: test.location
    )
    result.output = test.output
    result.tags = test.tags
    results.append(result)
    scope.events.send(.subTestEnded(file: scope.name, result: result))
  }
}

/// The sub-test of one program while it runs.
private struct ProgramTest {
  let path: [String]
  let tags: [String]
  let location: ScriptLocation
  let started = Deadline.now
  var isContainer = false
  /// Names of its failed outermost results.
  var failed: [String] = []
  /// The output of the program after its last result.
  var output = ""

  /// Names in the message.
  private static let shownNames = 8

  var innerMessage: String {
    let rest = failed.count - Self.shownNames
    return "inner tests failed: \(failed.prefix(Self.shownNames).joined(separator: ", "))"
      + (rest > 0 ? ", and \(rest) more" : "")
  }
}
