import ArgumentParser
import ProviumRunner
import ProviumRuntime
import ProviumSystem

struct LTPCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ltp",
    abstract: "Run tests of the Linux Test Project, each in a fresh VM.",
    discussion: """
      Runs tests of the runtest files of an installation: provium ltp --install /opt/ltp syscalls mm:mmap*. Each test is a file of \
      the run, and each of its results a sub-test. Exit codes are those of provium test.
      """
  )

  @Argument(
    help: ArgumentHelp(
      "Runtest files (syscalls), tests (syscalls:abort01) or patterns (mm:mmap*); none: all.",
      valueName: "selection"
    )
  )
  var selected: [String] = []
  @Option(help: ArgumentHelp("Use this installation.", valueName: "folder"))
  var install = "/opt/ltp"
  @Option(help: ArgumentHelp("Start the VMs from this fixture instead of a boot.", valueName: "name"))
  var fixture: String?
  @OptionGroup var programs: ProgramOptions
  @OptionGroup(title: "Selection") var selection: SelectionOptions
  @OptionGroup(title: "Execution") var running: ExecutionOptions
  @OptionGroup(title: "VMs") var machines: VMOptions
  @OptionGroup(title: "Reports") var reports: ReportOptions

  func validate() throws { try programs.check(fixture: fixture) }

  func run() throws {
    var suite = programs.suite("ltp", .ltp, tree: install)
    suite.fixture = fixture
    try SuiteExecution(suite, selected, selection, running, machines, reports).run()
  }
}
