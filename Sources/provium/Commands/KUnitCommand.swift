import ArgumentParser
import ProviumRunner
import ProviumRuntime

struct KUnitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kunit",
    abstract: "Run the KUnit suites of a kernel and of its modules, each in a fresh VM.",
    discussion: """
      Suites that are built in run while the kernel boots, those of modules when their module is loaded: provium kunit --kernel . \
      'list*'. Each case is a sub-test. Exit codes are those of provium test.
      """
  )

  @Argument(
    help: ArgumentHelp(
      "Patterns of suites, as kunit.filter_glob takes them; none: all.",
      valueName: "pattern"
    )
  )
  var selected: [String] = []
  @Option(help: "Share a boot between no suites, or all that are built in (suite, none).")
  var isolation = SuiteSettings.KUnitIsolation.suite
  @Option(help: "Boot this profile of provium.toml; default is built in.") var profile = "default"
  @Option(help: ArgumentHelp("Give each VM this much memory, such as 1G.", valueName: "size"))
  var memory: ByteCount?
  @Option(
    help: ArgumentHelp(
      "Limit the time of each boot, and of a module's suites, such as 2m.",
      valueName: "time"
    )
  )
  var bootTimeout: TimeSpan?
  @OptionGroup(title: "Selection") var selection: SelectionOptions
  @OptionGroup(title: "Execution") var running: ExecutionOptions
  @OptionGroup(title: "VMs") var machines: VMOptions
  @OptionGroup(title: "Reports") var reports: ReportOptions

  func run() throws {
    var suite = SuiteSettings(name: "kunit", kind: .kunit)
    suite.profile = profile
    suite.isolation = isolation.isolation
    suite.memory = memory?.bytes
    suite.timeout = bootTimeout?.duration
    try SuiteExecution(suite, selected, selection, running, machines, reports).run()
  }
}

extension SuiteSettings.KUnitIsolation: ExpressibleByArgument {}
