import ArgumentParser
import ProviumRunner

struct TestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test",
    abstract: "Run tests against real kernels.",
    discussion: """
      Without a path, runs the tests and the suites that provium.toml names. Exit codes: 0 all tests passed, 1 a test failed, 2 a user error or \
      infrastructure errors alone, 130 Ctrl-C, 143 SIGTERM.
      """
  )

  @Argument(help: "Test files, folders of them, or suites of provium.toml.") var paths: [String] = []
  @OptionGroup(title: "Selection") var selection: SelectionOptions
  @OptionGroup(title: "Execution") var running: ExecutionOptions
  @OptionGroup(title: "VMs") var machines: VMOptions
  @OptionGroup(title: "Reports") var reports: ReportOptions

  func validate() throws {
    guard !running.watch || reports.files.isEmpty else {
      throw ValidationError("--watch has no end, so it cannot write report files")
    }
  }

  func run() throws {
    try SuiteExecution(
      selection: selection,
      running: running,
      machines: machines,
      reports: reports,
      paths: paths,
      isProject: true,
      source: { try ProjectTests($0) }
    ).run()
  }
}
