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
  @Option(help: "Boot this profile of provium.toml; default is built in.") var profile = "default"
  @Option(help: ArgumentHelp("Start the VMs from this fixture instead of a boot.", valueName: "name"))
  var fixture: String?
  @Option(help: "Share a VM between no programs, those of a collection, or all (program, collection, none).")
  var isolation = SuiteSettings.Isolation.program
  @Option(
    help: ArgumentHelp("Leave out programs that match this pattern (repeatable).", valueName: "pattern")
  )
  var skip: [String] = []
  @Option(help: ArgumentHelp("Give each VM this much memory, such as 1G.", valueName: "size"))
  var memory: ByteCount?
  @Option(
    help: ArgumentHelp(
      "Limit the time of each program instead of its collection's settings.",
      valueName: "time"
    )
  )
  var programTimeout: TimeSpan?
  @Flag(help: "Run programs also where the kernel lacks options of their collection's config.")
  var ignoreConfig = false
  @OptionGroup(title: "Selection") var selection: SelectionOptions
  @OptionGroup(title: "Execution") var running: RunningOptions
  @OptionGroup(title: "VMs") var machines: MachineOptions
  @OptionGroup(title: "Reports") var reports: ReportOptions

  func validate() throws {
    guard fixture == nil || profile == "default" else {
      throw ValidationError("--fixture and --profile exclude each other: the fixture has its own profile")
    }
  }

  private var suite: SuiteSettings {
    let path = Files.normalize(Files.resolve(install, against: Files.currentDirectory))
    var suite = SuiteSettings(name: "kselftest", kind: .kselftest, path: path)
    suite.skipped = skip
    suite.isolation = isolation
    suite.fixture = fixture
    suite.profile = profile
    suite.memory = memory?.bytes
    suite.timeout = programTimeout?.duration
    suite.ignoresKernelOptions = ignoreConfig
    return suite
  }

  func run() throws {
    try SuiteExecution(
      selection: selection,
      running: running,
      machines: machines,
      reports: reports,
      paths: [],
      source: { try ProjectTests(suite, selected: selected, in: $0) }
    ).run()
  }
}

extension SuiteSettings.Isolation: ExpressibleByArgument {}
