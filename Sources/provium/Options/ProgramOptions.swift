import ArgumentParser
import ProviumRuntime
import ProviumSystem

/// Options of the commands that run a suite of programs.
struct ProgramOptions: ParsableArguments {
  @Option(help: "Boot this profile of provium.toml; default is built in.") var profile = "default"
  @Option(help: "Share a VM between no programs, those of a collection, or all (program, collection, none).")
  var isolation = SuiteSettings.Isolation.program
  @Option(
    help: ArgumentHelp("Leave out programs that match this pattern (repeatable).", valueName: "pattern")
  )
  var skip: [String] = []
  @Option(help: ArgumentHelp("Give each VM this much memory, such as 1G.", valueName: "size"))
  var memory: ByteCount?
  @Option(
    help: ArgumentHelp("Limit the time of each program instead of the suite's limit.", valueName: "time")
  )
  var programTimeout: TimeSpan?

  func check(fixture: String?) throws {
    guard fixture == nil || profile == "default" else {
      throw ValidationError("--fixture and --profile exclude each other: the fixture has its own profile")
    }
  }

  /// The settings of a suite that the command line describes.
  /// - Parameter tree: relative to the current folder, or absolute.
  func suite(_ name: String, _ kind: SuiteSettings.Kind, tree: String) -> SuiteSettings {
    let path = Files.normalize(Files.resolve(tree, against: Files.currentDirectory))
    var suite = SuiteSettings(name: name, kind: kind, path: path)
    suite.skipped = skip
    suite.isolation = isolation
    suite.profile = profile
    suite.memory = memory?.bytes
    suite.timeout = programTimeout?.duration
    return suite
  }
}

extension SuiteSettings.Isolation: ExpressibleByArgument {}
