import ProviumAgentClient
import ProviumEvents
import ProviumKTAP
import ProviumRuntime
import ProviumScripts
import ProviumSystem
import ProviumVM

/// One run of the KUnit suites of a test file: of one suite in a VM of its own, or of the suites that only a boot shows. Belongs to one
/// thread.
final class KUnitRun {
  let suites: KUnitSuites
  let unit: KUnitSuites.Unit
  let scope: MachineScope
  let engine: Engine
  private let selection: SelectedTests
  let location: ScriptLocation
  private var results: [SubTestResult] = []
  /// The count of operations when VMs were kept last, or the last suite began: VMs with a later use may be kept.
  private var usesBefore = Machine.uses

  /// The time limit of a boot or a module that runs suites, before the timeout multiplier.
  private static let timeLimit = Duration.seconds(120)
  var timeLimit: Duration { suites.settings.timeout ?? Self.timeLimit }

  init(_ suites: KUnitSuites, _ unit: KUnitSuites.Unit, _ run: TestRun, _ control: ScopeControl) {
    self.suites = suites
    self.unit = unit
    engine = run.engine
    let root = run.engine.configuration.root
    scope = MachineScope(control, fixtureSearch: FixtureSearch(folder: root, root: root))
    selection = SelectedTests(run.selection, in: suites.script(unit))
    location = ScriptLocation(file: Files.display(unit.file.path), line: 1)
  }

  func result() -> FileResult {
    let start = Deadline.now
    let outcome = scope.limited("the file's", to: scope.control.timeout) { _ in runAll() }
    scope.end()
    return FileResult(
      file: scope.name,
      outcome: outcome,
      subTests: results,
      duration: Double(Deadline.now - start) / 1e9
    )
  }

  var touchedFiles: Set<String> { Set([unit.file.path]).union(scope.fixtureSources) }

  private func runAll() -> Outcome {
    var outcome =
      switch unit.source {
      case .builtIn(let suite): runBuiltIn(suite)
      case .module(let name, let suite): runModule(name, suite: suite)
      case .boot: suites.settings.isolation == .program ? runListed() : runTogether()
      }
    if let reason = scope.cancellation.reason {
      return .failed(Failure(kind: .infrastructure, message: reason))
    }
    keepMachine(for: &outcome, of: [])
    return outcome
  }

  /// Why a suite without results is skipped: a pattern of cases need not match in every suite that its pattern of suites selects. nil: it
  /// fails.
  var noCases: String? {
    guard let filter = unit.filter, let test = filter.test, unit.suite != nil, !filter.namesOneSuite else {
      return nil
    }
    return "the suite has no case that '\(test)' selects"
  }

  /// Begins a suite in a VM of its own: VMs of before are not kept for its failures.
  func beginMachine() { usesBefore = Machine.uses }

  /// Keeps the VM of a failure, if VMs are kept. The VM of several suites is kept for the first one that fails.
  /// - Parameter path: of a suite; empty: the file itself.
  func keepMachine(for outcome: inout Outcome, of path: [String]) {
    guard case .failed(var failure) = outcome, failure.kept == nil else { return }
    // There is no such suite: the VM tells nothing.
    if path.isEmpty, failure.kind == .error { return }
    let kind = failure.kind
    // The failed cases of a suite come from the same VM, and do not keep it.
    if kind == .inner { failure.kind = .assertion }
    failure = scope.machines.keep(failure, of: path, since: usesBefore)
    failure.kind = kind
    outcome = .failed(failure)
    usesBefore = Machine.uses
  }

  // MARK: Results

  /// The end of a suite's VM, with everything that tells its results.
  struct End {
    /// The kernel's output: its log, or the console where the VM has ended.
    var log: KUnitLog
    /// The file in debugfs; nil: there is none, or it cannot be read safely.
    var file: KUnitLog?
    /// Why the run of the suite did not end well.
    var failure: Failure?

    /// The results of a suite. Those in debugfs are torn by no other message; old kernels cut them short, however.
    func results(of suite: String) -> KUnitLog? {
      if let file, file.isComplete(suite) { return file }
      return log.section(of: suite) ?? file
    }
  }

  /// Records the results of one suite.
  /// - Parameter reports: the kernel's, without those of KUnit itself. Those of the suite are its failures.
  /// - Returns: the reports that appeared outside of all suites, and whether the suite had any result.
  func record(_ suite: String, _ end: End, _ reports: KernelReportFindings) -> (
    others: KernelReportFindings, hasResults: Bool
  ) {
    let others = reports.filter { end.log.suites(around: $0).isEmpty }
    let own =
      KUnitSuites.wantsReports(suite)
      ? KernelReportFindings() : reports.filter { end.log.suites(around: $0).contains(suite) }
    let found = end.results(of: suite)
    var subTests = ProgramSubTests(at: location)
    var hasEnd = false
    for result in found.map({ selected($0.results, of: suite) }) ?? [] {
      let test = subTests.subTest(result)
      guard test.path.count == 1 else {
        record(test.path, test.outcome, output: test.output)
        continue
      }
      hasEnd = true
      var outcome = test.outcome
      if !outcome.isFailure, let problem = found?.summary.problems.first {
        outcome = .failed(Failure(kind: .assertion, message: problem, location: location))
      }
      if !outcome.isFailure, let failure = end.failure { outcome = .failed(failure) }
      record([suite], own.judge(outcome, at: location), output: test.output)
    }
    guard !hasEnd else { return (others, true) }
    if let failure = end.failure {
      record([suite], .failed(failure), output: "")
      return (others, true)
    }
    guard found != nil else { return (others, false) }
    let failure = Failure(
      kind: .assertion,
      message: "the suite did not end: the kernel printed no result of it",
      location: location
    )
    record([suite], own.judge(.failed(failure), at: location), output: "")
    return (others, true)
  }

  /// The results of a suite, without those of cases that are not selected: before Linux 6.6 a module runs all of its cases. Their failures
  /// do not fail the suite.
  func selected(_ results: [KTAPResult], of suite: String) -> [KTAPResult] {
    let own = results.filter { $0.path.first == suite }
    let kept = own.filter { $0.path.count == 1 || unit.filter?.selects(test: $0.path[1]) != false }
    let fails = kept.contains { $0.path.count > 1 && $0.isFailure }
    guard kept.count < own.count, !fails else { return kept }
    let isExplained = own.contains { $0.path.count > 1 && $0.isFailure }
    return kept.map { result in
      guard isExplained, result.path.count == 1 else { return result }
      return KTAPResult(path: result.path, outcome: .passed, diagnostics: result.diagnostics)
    }
  }

  func record(_ path: [String], _ outcome: Outcome, output: String) {
    switch selection.decide(path: path, tags: [], isSlow: false) {
    case .run, .skip: break
    case .contain: guard let failure = outcome.failure, failure.kind != .inner else { return }
    case .leaveOut: return
    }
    var outcome = outcome
    if path.count == 1 { keepMachine(for: &outcome, of: path) }
    var result = SubTestResult(path: path, outcome: outcome, duration: 0, location: location)
    result.output = output
    results.append(result)
    scope.events.send(.subTestEnded(file: scope.name, result: result))
  }

  /// The kernel's reports. Those of KUnit itself are results here.
  func takeReports() -> KernelReportFindings { scope.machines.takeReports().without(.kunit) }

  /// The failure that an error is, in view of the kernel's reports, which it takes.
  func failure(_ error: any Error) -> Failure {
    let reports = takeReports()
    if let reason = scope.cancellation.reason { return Failure(kind: .infrastructure, message: reason) }
    let known = error as? ProviumError
    var failure = Failure(kind: FailureKind(error), message: known?.message ?? "\(error)", location: location)
    failure.console = known?.console ?? []
    if failure.console.isEmpty, let boot = known?.cause as? BootFailure { failure.console = boot.console }
    // A boot that does not end was held up by a suite: other boots of this kernel tell.
    let judged = reports.judge(.failed(failure), naming: known?.reports ?? [], at: location)
    return judged.failure ?? failure
  }

  /// The results in debugfs. nil: there are none.
  /// - Parameter isFiltered: the suite was selected by `kunit.filter_glob` of the boot. Kernels before 6.8 freed the copy of the suite that
  ///   such a file shows: those that keep it have a file `run` beside it.
  func resultFile(of suite: String, in machine: Machine, isFiltered: Bool) -> KUnitLog? {
    guard !suite.contains("/"), !suite.hasPrefix(".") else { return nil }
    let root = "/sys/kernel/debug", folder = "\(root)/kunit/\(suite)"
    let bytes = try? machine.perform("reading the results of \(suite)", allowance: .zero) {
      connection,
      deadline -> [UInt8]? in
      try connection.mountVFS(until: deadline)
      if try !connection.exists(ByteString("\(root)/kunit"), until: deadline) {
        // A kernel without debugfs refuses it.
        try? connection.mount(
          MountRequest(source: "debugfs", target: ByteString(root), type: "debugfs"),
          until: deadline
        )
      }
      guard try !isFiltered || connection.exists(ByteString("\(folder)/run"), until: deadline),
        try connection.exists(ByteString("\(folder)/results"), until: deadline)
      else { return nil }
      return try connection.readFile(ByteString("\(folder)/results"), limit: 16 << 20, until: deadline)
    }
    return bytes.flatMap { $0 }.map { KUnitLog($0) }
  }
}
