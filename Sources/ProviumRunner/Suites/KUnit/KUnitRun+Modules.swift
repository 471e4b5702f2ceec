import ProviumAgentClient
import ProviumBoot
import ProviumEvents
import ProviumRuntime
import ProviumSystem

/// Suites of modules: they run while their module is loaded.
extension KUnitRun {
  /// Where KUnit takes a pattern for suites of modules; kernels before 6.6 have no such file, and run all suites of a module.
  private static let filterFile = "/sys/module/kunit/parameters/filter_glob"

  /// Loads a module in a fresh VM, and records the results of one of its suites.
  /// - Parameter suite: nil: records those of all suites that it ran.
  /// - Returns: the outcome of the file itself.
  func runModule(_ module: String, suite: String?) -> Outcome {
    do {
      guard let folder = suites.kernel.moduleFolder else { return .failed(noSuite(suite, in: module)) }
      let tree = try ModuleTree(folder)
      let recipe = try KUnitFixture(suites.settings, suites.kernel, in: engine.configuration)
      let machine = try engine.fixtures.resume(recipe.fixture, recipe: recipe, in: scope)
      defer { machine.kill("its suite has run") }
      try prepare(machine, for: suite)
      scope.activity("suite \(suite ?? module)")
      let (end, reports) = load(module, KUnitModules(tree), suite: suite, in: machine)
      if scope.isCancelled { return .passed }
      var outcome: Outcome
      if let suite {
        let (others, hasResults) = record(suite, end, reports)
        let none = noCases.map { Outcome.skipped(reason: $0) } ?? .failed(noSuite(suite, in: module))
        outcome = others.judge(hasResults ? .passed : none, at: location)
      } else {
        outcome = record(all: end, of: module, reports)
      }
      // Before the VM ends.
      keepMachine(for: &outcome, of: [])
      return outcome
    } catch {
      return .failed(failure(error))
    }
  }

  /// Selects the suite, and makes the guest tell everything up to a crash.
  private func prepare(_ machine: Machine, for suite: String?) throws {
    let release = try machine.kernelRelease()
    try machine.perform("preparing the guest for the suite", allowance: .zero) { connection, deadline in
      func write(_ text: String, to path: String) throws {
        try connection.writeFile(ByteString(path), Array(text.utf8), until: deadline)
      }
      // As the words loglevel=7 and oops=panic of a boot.
      try write("7", to: "/proc/sys/kernel/printk")
      if Self.mustPanic(release) { try write("1", to: "/proc/sys/kernel/panic_on_oops") }
      if try connection.exists(ByteString(Self.filterFile), until: deadline) {
        try write(suite.map { unit.filter?.text(for: $0) ?? $0 } ?? "*", to: Self.filterFile)
      }
    }
  }

  /// Loads the module to the end of its suites, or of the VM.
  private func load(_ module: String, _ modules: KUnitModules, suite: String?, in machine: Machine) -> (
    End, KernelReportFindings
  ) {
    do {
      let result = try modules.load(module, limit: timeLimit, in: machine)
      let log = try machine.perform("reading the kernel's log", allowance: .zero) {
        try $0.kernelLog(until: $1)
      }
      var end = End(log: KUnitLog(log))
      if let suite { end.file = resultFile(of: suite, in: machine, isFiltered: false) }
      if result.timedOut {
        end.failure = Failure(kind: .timeout, message: lateness(of: module, in: machine), location: location)
      } else if !result.isSuccess {
        let message = KUnitModules.refusal(of: module, result)
        end.failure = Failure(kind: .error, message: message, location: location)
      }
      return (end, takeReports())
    } catch {
      let log = KUnitLog(lines: machine.consoleLines)
      var failure = self.failure(error)
      switch (error as? ProviumError)?.cause as? GuestError {
      // A killed insmod that waits in the kernel does not end.
      case .timedOut?, .unresponsive?:
        guard failure.kind != .kernelReport, !scope.isCancelled else { break }
        failure.kind = .timeout
        failure.message = lateness(of: module, in: machine)
      default: break
      }
      // Before Linux 6.6 other suites of the module ran first.
      if let suite, let last = log.begunSuites.last, last != suite, log.section(of: suite) == nil {
        failure.message =
          "the suite '\(last)' of the same module ended the VM before this one began: \(failure.message)"
      }
      return (End(log: log, failure: failure), KernelReportFindings())
    }
  }

  private func lateness(of module: String, in machine: Machine) -> String {
    let limit = Quantity.text(timeLimit * machine.timeoutMultiplier)
    return "the suites of the module \(module) did not end within the time limit of \(limit)"
  }

  /// Records the results of all suites of a module whose names the files do not tell.
  private func record(all end: End, of module: String, _ reports: KernelReportFindings) -> Outcome {
    let names = end.log.begunSuites.filter { unit.filter?.selects(suite: $0) ?? true }
    var others = reports
    for name in names { others = record(name, end, reports).others }
    if let failure = end.failure, names.isEmpty { return .failed(failure) }
    return others.judge(names.isEmpty ? .failed(noSuite(nil, in: module)) : .passed, at: location)
  }

  private func noSuite(_ suite: String?, in module: String) -> Failure {
    Failure(
      kind: .error,
      message: "the module \(module) ran no KUnit suite\(suite.map { " '\($0)'" } ?? "")",
      location: location
    )
  }
}
