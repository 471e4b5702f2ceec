import ArgumentParser
import ProviumRunner
import ProviumRuntime
import ProviumSystem

struct KselftestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ksft",
    abstract: "Run the kernel's selftests, each program in a fresh VM.",
    discussion: """
      Runs programs of an install tree (make -C tools/testing/selftests install): provium ksft timers net:tls. Each program is \
      a file of the run, and each of its results a sub-test. Exit codes are those of provium test.
      """
  )

  @Argument(
    help: ArgumentHelp(
      "Collections (timers), programs (net:tls) or patterns (net:tcp_*); none: all.",
      valueName: "selection"
    )
  )
  var selected: [String] = []
  @Option(help: ArgumentHelp("Use this install tree.", valueName: "folder"))
  var install = "kselftest_install"
  @Option(
    help: ArgumentHelp(
      "Build the selected collections of this kernel's sources into the install tree first.",
      valueName: "folder"
    )
  )
  var build: String?
  @Option(help: ArgumentHelp("Start the VMs from this fixture instead of a boot.", valueName: "name"))
  var fixture: String?
  @Flag(help: "Run programs also where the kernel lacks options of their collection's config.")
  var ignoreConfig = false
  @OptionGroup var programs: ProgramOptions
  @OptionGroup(title: "Selection") var selection: SelectionOptions
  @OptionGroup(title: "Execution") var running: ExecutionOptions
  @OptionGroup(title: "VMs") var machines: VMOptions
  @OptionGroup(title: "Reports") var reports: ReportOptions

  func validate() throws { try programs.check(fixture: fixture) }

  func run() throws {
    var suite = programs.suite("kselftest", .kselftest, tree: install)
    suite.fixture = fixture
    suite.ignoresKernelOptions = ignoreConfig
    if let build {
      let sources = Files.normalize(Files.resolve(build, against: Files.currentDirectory))
      try SelftestBuild(sources: sources, install: suite.path, selected: selected).run {
        Console.error("provium: \($0)")
      }
    }
    try SuiteExecution(suite, selected, selection, running, machines, reports).run()
  }
}
