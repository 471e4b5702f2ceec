import ArgumentParser
import ProviumReports

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Work on reports of past runs.",
    subcommands: [Merge.self]
  )

  struct Merge: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Join the JSON lines of several shards into one report.",
      discussion: """
        provium report merge shard-*.json --html all.html --junit all.xml

        Exit codes: 0 all passed, 1 a test failed, 2 the shards are not one whole run (one is missing or broke off, a file \
        ran in none or in several), or a harness fault.
        """
    )
    @Argument(help: "What provium test --json wrote, one file a shard.") var files: [String]
    @OptionGroup(title: "Reports") var reports: ReportPaths

    func run() throws {
      guard !files.isEmpty else { throw ValidationError("name the files to merge") }
      let merge = try ReportMerge(reading: files)
      let problems =
        merge.problems
        + merge.duplicates.map { "\($0.file) ran in several: \($0.paths.joined(separator: ", "))" }
      for problem in problems { Console.error("provium: \(problem)") }
      let terminal = TerminalReporter(
        verbosity: .quiet,
        isColoured: false,
        isLive: false,
        descriptor: reports.takesOutput ? 2 : 1
      )
      try merge.events.replay(into: try reports.sinks() + [terminal])
      let code = ExitStatusCode.of(RunRecord(merge.events).results)
      throw ExitCode(code == 0 && !problems.isEmpty ? ExitStatusCode.fault : code)
    }
  }
}
