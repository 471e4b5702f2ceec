import ProviumEvents
import ProviumRuntime
import ProviumScripts

/// A `[suite.NAME]` of any kind.
enum KernelSuite: Sendable {
  case programs(ProgramSuite)
  case kunit(KUnitSuites)

  init(_ settings: SuiteSettings, selected: [String], prefix: String?, in configuration: Configuration) throws
  {
    switch settings.kind {
    case .kselftest, .ltp, .fstests:
      self = .programs(try ProgramSuite(settings, selected: selected, prefix: prefix, in: configuration))
    case .kunit:
      self = .kunit(try KUnitSuites(settings, selected: selected, prefix: prefix, in: configuration))
    }
  }

  var files: [TestFile] {
    switch self {
    case .programs(let programs): programs.units.map(\.file)
    case .kunit(let suites): suites.units.map(\.file)
    }
  }

  /// The sub-tests of a file, as far as they are known without a boot.
  func script(_ file: TestFile, in configuration: Configuration) -> ScannedScript {
    switch self {
    case .programs(let programs):
      programs.unit(file).map { programs.script($0, in: configuration) } ?? .unknown
    case .kunit(let suites): suites.unit(file).map(suites.script) ?? .unknown
    }
  }

  /// Runs a file to its end on the calling thread.
  func run(_ run: TestRun, interruption: Interruption) -> EndedRun {
    switch self {
    case .programs(let programs):
      guard let unit = programs.unit(run.file) else { return Self.unknown(run.file) }
      let limit = ProgramRun.timeLimit(of: unit, programs, atLeast: run.timeLimit)
      let control = control(of: run, limit: limit)
      let programRun = ProgramRun(programs, unit, run, control)
      let result = interruption.listening(control.cancellation) { programRun.result() }
      return ended(result, control, touched: programRun.touchedFiles)
    case .kunit(let suites):
      guard let unit = suites.unit(run.file) else { return Self.unknown(run.file) }
      let control = control(of: run, limit: run.timeLimit)
      let boots = KUnitRun(suites, unit, run, control)
      let result = interruption.listening(control.cancellation) { boots.result() }
      return ended(result, control, touched: boots.touchedFiles)
    }
  }

  /// The result of a file that another source found.
  private static func unknown(_ file: TestFile) -> EndedRun {
    let failure = Failure(
      kind: .infrastructure,
      message: "Provium is broken: the suite has no file \(file.name)"
    )
    let result = FileResult(file: file.name, outcome: .failed(failure), subTests: [], duration: 0)
    return EndedRun(result: result, touched: [], isCut: false)
  }

  /// - Parameter limit: of the file, unless the user asked for another.
  private func control(of run: TestRun, limit: Duration) -> ScopeControl {
    ScopeControl(
      name: run.file.name,
      owner: run.number,
      services: run.engine.services,
      events: run.events,
      timeout: run.hasOwnTimeLimit ? run.timeLimit : limit
    )
  }

  private func ended(_ result: FileResult, _ control: ScopeControl, touched: Set<String>) -> EndedRun {
    EndedRun(
      result: result,
      touched: touched,
      isCut: control.cancellation.isRequested && result.hasFailed
    )
  }
}
