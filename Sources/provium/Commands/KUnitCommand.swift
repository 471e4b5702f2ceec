import ArgumentParser
import ProviumRunner
import ProviumRuntime

struct KUnitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kunit",
    abstract: "Run the KUnit suites that are built into a kernel.",
    discussion: """
      The suites run while the kernel boots; each case is a sub-test: provium kunit --profile kunit 'list*'. Exit codes are those of \
      provium test.
      """
  )

  @Argument(
    help: ArgumentHelp(
      "Patterns of suites, as kunit.filter_glob takes them; none: all.",
      valueName: "pattern"
    )
  )
  var selected: [String] = []
  @Option(help: "Boot this profile of provium.toml; default is built in.") var profile = "default"
  @Option(help: ArgumentHelp("Give each VM this much memory, such as 1G.", valueName: "size"))
  var memory: ByteCount?
  @Option(help: ArgumentHelp("Limit the time of each boot, such as 2m.", valueName: "time"))
  var bootTimeout: TimeSpan?
  @OptionGroup(title: "Selection") var selection: SelectionOptions
  @OptionGroup(title: "Execution") var running: RunningOptions
  @OptionGroup(title: "VMs") var machines: MachineOptions
  @OptionGroup(title: "Reports") var reports: ReportOptions

  func run() throws {
    var suite = SuiteSettings(name: "kunit", kind: .kunit)
    suite.profile = profile
    suite.memory = memory?.bytes
    suite.timeout = bootTimeout?.duration
    try SuiteExecution(suite, selected, selection, running, machines, reports).run()
  }
}
