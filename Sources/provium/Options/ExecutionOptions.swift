import ArgumentParser
import ProviumRunner
import ProviumRuntime

/// Options that say how files run.
struct ExecutionOptions: ParsableArguments {
  @Option(
    name: [.customShort("p", allowingJoined: true), .customLong("parallel")],
    help: ArgumentHelp("Run this many files at once.", valueName: "n")
  )
  var parallel: Int?
  @Option(
    name: .customLong("mem"),
    help: ArgumentHelp("Limit the memory of all VMs together, such as 4G.", valueName: "size")
  )
  var memory: ByteCount?
  @Option(
    name: .customLong("cpus"),
    help: ArgumentHelp("Limit the CPUs of all VMs together.", valueName: "n")
  )
  var cpus: Int?
  @Option(
    name: .customLong("timeout"),
    help: ArgumentHelp("Limit the time of each file, such as 5m.", valueName: "time")
  )
  var timeout: TimeSpan?
  @Flag(name: .customLong("fail-fast"), help: "Start no file after the first failure.")
  var failFast = false
  @Option(name: .customLong("repeat"), help: ArgumentHelp("Run the files this many times.", valueName: "n"))
  var repetitions: Int?
  @Flag(
    name: .customLong("until-failure"),
    help: "Repeat the files until one fails, with --repeat at most N times."
  )
  var untilFailure = false
  @Flag(
    name: .customLong("flaky"),
    help: "With --repeat or --until-failure, list tests that both passed and failed."
  )
  var flaky = false
  @Flag(
    name: .customLong("watch"),
    help: "Watch files, rerun affected tests, and keep warm VMs between runs."
  )
  var watch = false
  @Option(
    name: .customLong("retries"),
    help: ArgumentHelp("Rerun a file up to N times after an infrastructure error.", valueName: "n")
  )
  var retries: Int = 0

  @Flag(
    name: .customLong("keep-failed"),
    help: "Keep the VMs of the first 5 failed tests for `provium open`."
  )
  var keepFailed = false
  @Option(
    name: .customLong("keep-count"),
    help: ArgumentHelp("Keep the VMs of the first N failed tests.", valueName: "n")
  )
  var keepCount: Int?

  @Option(
    name: .customLong("crash-point"),
    help: ArgumentHelp("Check only this state of provium.crash_points, such as 41-3.", valueName: "id")
  )
  var crashPoint: String?

  func validate() throws {
    if let crashPoint, !EngineOptions.isCrashPoint(crashPoint) {
      throw ValidationError(
        "--crash-point '\(crashPoint)' must be an id that a failed check has named, such as 41-3"
      )
    }
    if let keepCount, !(0...Settings.mostKeptFailures).contains(keepCount) {
      throw ValidationError("--keep-count needs a number from 0 to \(Settings.mostKeptFailures)")
    }
    if let parallel, parallel < 1 { throw ValidationError("--parallel needs a number from 1") }
    if let cpus, cpus < 1 { throw ValidationError("--cpus needs a number from 1") }
    if let repetitions, repetitions < 1 { throw ValidationError("--repeat needs a number from 1") }
    guard !flaky || untilFailure || repetitions ?? 1 > 1 else {
      throw ValidationError("--flaky compares several runs: it needs --repeat N or --until-failure")
    }
    guard retries >= 0 else { throw ValidationError("--retries needs a number from 0") }
    if watch, repetitions != nil || untilFailure || flaky {
      throw ValidationError("--watch repeats by itself: it excludes --repeat, --until-failure and --flaky")
    }
  }

  /// Sets the budget of the resource pool. Without --mem and --cpus, that of the environment is kept.
  func apply(to options: inout EngineOptions) {
    if let crashPoint { options.crashPoint = crashPoint }
    if let keepCount {
      options.keptFailures = keepCount
    } else if keepFailed {
      options.keptFailures = max(Settings.usualKeptFailures, options.keptFailures ?? 0)
    }
    if let budget = PoolBudget.fixedIfGiven(memory: memory?.bytes, cpus: cpus) { options.budget = budget }
  }

  /// - Parameter engine: The options of the engine, with those of the environment.
  func runOptions(_ selection: TestSelection, _ engine: EngineOptions) -> RunOptions {
    var options = RunOptions()
    options.parallel = parallel ?? engine.parallel
    options.budget = engine.budget
    options.selection = selection
    options.failFast = failFast
    options.fileTimeout = timeout?.duration
    options.retries = retries
    options.repetitions = repetitions
    options.untilFailure = untilFailure
    return options
  }
}
