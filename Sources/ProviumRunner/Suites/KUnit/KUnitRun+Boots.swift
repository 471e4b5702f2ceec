import ProviumAgentClient
import ProviumBoot
import ProviumEvents
import ProviumRuntime
import ProviumSystem
import ProviumVM

/// Suites that are built in: they run while the kernel boots.
extension KUnitRun {
  /// The log is large enough for the messages of all suites, and the console shows them up to a crash.
  private static let logWords = ["log_buf_len=4M", "loglevel=7"]
  /// Since this release KUnit notices that a case ended by a fault. Older kernels wait for the case for five minutes.
  private static let noticesFaults = ">= 6.10"

  /// Whether an oops must end the VM at once, since the suite would hang.
  static func mustPanic(_ release: KernelRelease) -> Bool {
    KernelCondition(noticesFaults)?.isMet(by: release) == false
  }

  /// Runs one suite in a boot of its own.
  /// - Returns: the outcome of the file itself.
  func runBuiltIn(_ suite: String) -> Outcome {
    let filter = unit.filter?.text(for: suite) ?? suite
    beginMachine()
    let machine: Machine
    do { machine = try newMachine() } catch { return .failed(failure(error)) }
    defer { machine.kill("its suite has run") }
    var end: End
    do {
      end = End(log: KUnitLog(try boot(machine, filter)))
      end.file = resultFile(of: suite, in: machine, isFiltered: true)
    } catch {
      end = End(log: KUnitLog(lines: machine.consoleLines))
      let failure = self.failure(error)
      // Nothing was booted: a wrong configuration is the file's own failure.
      guard failure.kind != .error, !scope.isCancelled else { return .failed(failure) }
      end.failure = failure
    }
    let (others, hasResults) = record(suite, end, end.failure == nil ? takeReports() : .init())
    var outcome = others.judge(hasResults ? .passed : noSuites, at: location)
    // Before the VM ends.
    keepMachine(for: &outcome, of: [])
    return outcome
  }

  /// Runs each suite that a boot lists in a boot of its own.
  func runListed() -> Outcome {
    if let filter = unit.filter, filter.namesOneSuite { return runBuiltIn(filter.suite) }
    let log: KUnitLog
    do { log = KUnitLog(try boot(newMachine(), unit.filter?.text, ["kunit.action=list"])) } catch {
      return .failed(failure(error))
    }
    let reports = takeReports()
    // Kernels before 6.0 do not know the word, and have run the suites.
    if !log.results.isEmpty { return record(allOf: log, reports) }
    let names = log.listedSuites
    guard !names.isEmpty else { return noSuites }
    return runEach(names, reports.judge(.passed, at: location))
  }

  private func runEach(_ names: [String], _ outcome: Outcome) -> Outcome {
    var outcome = outcome
    for name in names where !scope.isCancelled {
      let next = runBuiltIn(name)
      if !outcome.isFailure { outcome = next }
    }
    return outcome
  }

  /// Runs all suites in one boot; where that does not end well, each in a boot of its own.
  func runTogether() -> Outcome {
    do {
      let log = KUnitLog(try boot(newMachine(), unit.filter?.text))
      guard log.summary.isKTAP, !log.results.isEmpty else { return noSuites }
      return record(allOf: log, takeReports())
    } catch {
      let failure = self.failure(error)
      guard !scope.isCancelled, failure.kind != .error,
        let list = try? boot(newMachine(), unit.filter?.text, ["kunit.action=list"])
      else { return .failed(failure) }
      let names = KUnitLog(list).listedSuites
      guard !names.isEmpty else { return .failed(failure) }
      return runEach(names, .passed)
    }
  }

  /// Records the results of a log of several suites.
  /// - Returns: the outcome of the file itself.
  private func record(allOf log: KUnitLog, _ reports: KernelReportFindings) -> Outcome {
    var others = reports
    for suite in log.begunSuites { others = record(suite, End(log: log), reports).others }
    let problem = log.summary.problems.first ?? log.summary.bailOut.map { "bail out: \($0)" }
    let own: Outcome =
      problem.map { .failed(Failure(kind: .assertion, message: $0, location: location)) } ?? .passed
    return others.judge(own, at: location)
  }

  private func newMachine() throws -> Machine {
    scope.machines.add(profile: try scope.services.configuration.profile(suites.settings.profile))
  }

  /// Boots the kernel with the suites that `filter` names.
  /// - Returns: the kernel's log.
  private func boot(_ machine: Machine, _ filter: String?, _ words: [String] = []) throws -> [UInt8] {
    scope.activity("boot with the suites \(filter ?? "of the kernel")")
    var configuration = self.configuration(filter)
    if let release = suites.kernel.release, Self.mustPanic(release) {
      configuration.append += " oops=panic"
    }
    configuration.append += words.map { " \($0)" }.joined()
    configuration.bootTimeLimit = timeLimit
    try machine.boot(configuration)
    return try machine.perform("reading the kernel's log", allowance: .zero) { try $0.kernelLog(until: $1) }
  }

  /// - Parameter filter: nil: all suites.
  private func configuration(_ filter: String?) -> MachineConfiguration {
    KUnitFixture.configuration(suites.settings, filter: filter, Self.logWords)
  }

  private var noSuites: Outcome {
    let pattern = unit.filter.map { " '\($0.text)'" } ?? ""
    if let reason = noCases { return .skipped(reason: reason) }
    // The pattern is that of other files, whose suites are in modules.
    if unit.hasModules { return .skipped(reason: "no suite\(pattern) is built in") }
    let filter = unit.filter.map { " '\($0.text)' matches none of its suites, or" } ?? ""
    return .failed(
      Failure(
        kind: .error,
        message:
          "the kernel ran no KUnit suite:\(filter) it is built without CONFIG_KUNIT and tests (=y), and has no modules with suites",
        location: location
      )
    )
  }
}
