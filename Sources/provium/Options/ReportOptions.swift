import ArgumentParser
import Glibc
import ProviumEvents
import ProviumReports
import ProviumRuntime

/// Options that say what is reported.
struct ReportOptions: ParsableArguments {
  @Flag(
    name: [.short, .long],
    help: "Show the output of passing tests, too; -vv also writes debug logs of VMs."
  )
  var verbose: Int
  @Flag(name: [.short, .long], help: "Show only failures and the last line.") var quiet = false
  @Option(help: "Use colour on standard output.") var color: ColorChoice = .auto
  @Option(
    help: ArgumentHelp(
      "Compare with the --json of an earlier run: only new failures fail.",
      valueName: "file"
    )
  )
  var baseline: String?
  @OptionGroup var files: ReportPaths

  func validate() throws {
    guard verbose == 0 || !quiet else { throw ValidationError("--verbose and --quiet exclude each other") }
  }

  func apply(to options: inout EngineOptions) {
    if verbose > 1 { options.logLevel = .debug }
  }

  /// The results of the run that `--baseline` names.
  /// - Throws: if the file cannot be read, before anything runs.
  func baselineResults() throws -> [FileResult]? {
    try baseline.map { RunRecord(try EventLog.read($0).events).results }
  }

  /// - Parameter expected: Seconds that each file is expected to take, by name.
  func terminalReporter(expected: [String: Double]) -> any EventSink {
    let isTerminal = isatty(1) == 1
    let verbosity: Verbosity = verbose > 0 ? .verbose : quiet ? .quiet : .normal
    return TerminalReporter(
      verbosity: verbosity,
      isColoured: color.isColoured(isTerminal: isTerminal),
      isLive: isTerminal && !files.takesOutput && verbosity != .quiet && TerminalReporter.canRedraw(),
      expected: expected,
      descriptor: files.takesOutput ? 2 : 1,
      // A guest's output must not be taken for commands of the CI runner.
      isGuarded: GitHubReport.sink() != nil
    )
  }

  /// Opens the report files and GitHub's annotations.
  func reportSinks() throws -> [any EventSink] {
    // GitHub reads both streams. A report on standard output must be alone there.
    let output = LineOutput.descriptor(files.takesOutput ? 2 : 1)
    return (GitHubReport.sink(output: output).map { [$0] } ?? []) + (try files.sinks())
  }
}
