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
      discussion: "provium report merge shard-*.json --html all.html --junit all.xml"
    )
    @Argument(help: "What provium test --json wrote, one file a shard.") var files: [String]
    @OptionGroup(title: "Reports") var reports: ReportPaths

    func run() throws {
      guard !files.isEmpty else { throw ValidationError("name the files to merge") }
      let merge = try ReportMerge(reading: files)
      for problem in merge.problems { Console.error("provium: warning: \(problem)") }
      for duplicate in merge.duplicates { Console.error("provium: warning: several shards ran \(duplicate)") }
      let terminal = TerminalReporter(
        verbosity: .quiet,
        isColoured: false,
        isLive: false,
        descriptor: reports.takesOutput ? 2 : 1
      )
      try merge.events.replay(into: try reports.sinks() + [terminal])
    }
  }
}
