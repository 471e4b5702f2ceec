import ProviumAgentClient
import ProviumBoot
import ProviumEvents
import ProviumKTAP
import ProviumRuntime
import ProviumScripts
import ProviumSystem
import ProviumVM

/// One run of built-in KUnit suites: a boot that runs all of them, and where that does not end well, a boot for each suite. Belongs to
/// one thread.
final class KUnitRun {
  private let suites: KUnitSuites
  private let unit: KUnitSuites.Unit
  private let scope: MachineScope
  private let selection: SelectedTests
  private let location: ScriptLocation
  private var results: [SubTestResult] = []

  /// The time limit of a boot that runs suites, before the timeout multiplier.
  private static let bootTimeLimit = Duration.seconds(120)
  /// Makes the kernel's log large enough for the messages of all suites; the kernel keeps them in its log whatever the console shows.
  private static let logWords = "log_buf_len=4M"

  init(_ suites: KUnitSuites, _ unit: KUnitSuites.Unit, _ run: TestRun, _ control: ScopeControl) {
    self.suites = suites
    self.unit = unit
    let root = run.engine.configuration.root
    scope = MachineScope(control, fixtureSearch: FixtureSearch(folder: root, root: root))
    selection = SelectedTests(run.selection, in: suites.script)
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

  var touchedFiles: Set<String> { [unit.file.path] }

  // MARK: Boots

  private func runAll() -> Outcome {
    do {
      let log = KUnitLog(try boot(unit.filter))
      guard log.summary.isKTAP, !log.results.isEmpty else { return .failed(noSuites) }
      return take(log)
    } catch {
      let failure = self.failure(error)
      guard !scope.isCancelled, failure.kind != .error, let names = try? listSuites(), names.count > 1 else {
        return .failed(failure)
      }
      return runEach(names)
    }
  }

  /// Runs each suite in a boot of its own, since one of them ended the boot of all.
  private func runEach(_ names: [String]) -> Outcome {
    var outcome = Outcome.passed
    for name in names where !scope.isCancelled {
      do {
        let log = KUnitLog(try boot(name))
        let next = take(log)
        if !outcome.isFailure { outcome = next }
      } catch {
        record([name], .failed(failure(error)), duration: 0, output: "")
      }
    }
    if let reason = scope.cancellation.reason {
      return .failed(Failure(kind: .infrastructure, message: reason))
    }
    return outcome
  }

  /// Boots the kernel with the suites that `filter` names.
  /// - Returns: the kernel's log.
  private func boot(_ filter: String?, _ words: String = "") throws -> [UInt8] {
    let profile = try scope.services.configuration.profile(suites.settings.profile)
    let machine = scope.machines.add(profile: profile)
    defer { machine.kill("its suites have run") }
    var configuration = MachineConfiguration(profile: profile.name)
    if let memory = suites.settings.memory { configuration.memory = MemorySize(bytes: memory) }
    configuration.append = [
      "kunit.enable=1", filter.map { "kunit.filter_glob=\($0)" } ?? "", words, Self.logWords,
    ]
    .filter { !$0.isEmpty }.joined(separator: " ")
    configuration.bootTimeLimit = suites.settings.timeout ?? Self.bootTimeLimit
    try machine.boot(configuration)
    return try machine.perform("reading the kernel's log", allowance: .zero) { try $0.kernelLog(until: $1) }
  }

  /// The names of the suites, from a boot that runs none of them.
  private func listSuites() throws -> [String] {
    _ = takeReports()
    return KUnitLog(try boot(unit.filter, "kunit.action=list")).listedSuites
  }

  private var noSuites: Failure {
    let filter = unit.filter.map { " '\($0)' matches none of its suites, or" } ?? ""
    return Failure(
      kind: .error,
      message: "the kernel ran no KUnit suite:\(filter) it is built without CONFIG_KUNIT and tests (=y)",
      location: location
    )
  }

  // MARK: Results

  /// The kernel's reports. Those of KUnit itself are results here.
  private func takeReports() -> KernelReportFindings { scope.machines.takeReports().without(.kunit) }

  /// Records the results of a log.
  /// - Returns: the outcome of the file itself.
  private func take(_ log: KUnitLog) -> Outcome {
    let found = takeReports()
    var bySuite: [String: KernelReportFindings] = [:]
    var others = found
    let top = log.results.filter { $0.path.count == 1 }.map { $0.path[0] }
    for name in top {
      let own = others.filter { log.suites(around: $0).contains(name) }
      others = others.filter { !log.suites(around: $0).contains(name) }
      if !KUnitSuites.wantsReports(name) { bySuite[name] = own }
    }
    var subTests = ProgramSubTests(at: location)
    for result in log.results {
      let test = subTests.subTest(result)
      var outcome = test.outcome
      if test.path.count == 1, let reports = bySuite[test.path[0]] {
        outcome = reports.judge(outcome, at: location)
      }
      record(test.path, outcome, duration: 0, output: test.output)
    }
    let problem = log.summary.problems.first ?? log.summary.bailOut.map { "bail out: \($0)" }
    let own: Outcome =
      problem.map { .failed(Failure(kind: .assertion, message: $0, location: location)) } ?? .passed
    return others.judge(own, at: location)
  }

  private func record(_ path: [String], _ outcome: Outcome, duration: Double, output: String) {
    switch selection.decide(path: path, tags: [], isSlow: false) {
    case .run, .skip: break
    case .contain: guard let failure = outcome.failure, failure.kind != .inner else { return }
    case .leaveOut: return
    }
    var result = SubTestResult(path: path, outcome: outcome, duration: duration, location: location)
    result.output = output
    results.append(result)
    scope.events.send(.subTestEnded(file: scope.name, result: result))
  }

  private func failure(_ error: any Error) -> Failure {
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
}
