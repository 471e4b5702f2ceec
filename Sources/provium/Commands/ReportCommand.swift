import ArgumentParser
import ProviumReports
import ProviumRunner

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Merge reports of past runs.",
    subcommands: [Merge.self]
  )

  struct Merge: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Merge the JSON lines of several shards into one report.",
      discussion: """
        provium report merge shard-*.json --html all.html --junit all.xml

        Exit codes: 0 all tests passed, 1 a test failed, 2 infrastructure errors alone, or the shards are not one whole run (one \
        is missing or incomplete, or a file ran in none or in several).
        """
    )
    @Argument(help: "Files written by provium test --json, one for each shard.") var files: [String]
    @OptionGroup(title: "Reports") var reports: ReportPaths

    func validate() throws {
      guard !files.isEmpty else { throw ValidationError("name the files to merge") }
    }

    func run() throws {
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
      throw ExitCode(code == 0 && !problems.isEmpty ? ExitStatusCode.notJudged : code)
    }
  }
}
