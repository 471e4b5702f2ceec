import ArgumentParser
import ProviumReports
import ProviumRunner
import ProviumRuntime
import ProviumSystem

struct HistoryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history",
    abstract: "Show past results of a test of this project, newest first."
  )
  @Argument(help: "A part of a file's name, or of FILE / SUB-TEST.") var test: String
  @Option(name: .customLong("limit"), help: ArgumentHelp("Show at most N results.", valueName: "n"))
  var limit = 50

  func validate() throws {
    guard limit >= 1 else { throw ValidationError("--limit needs a number from 1") }
  }

  func run() throws {
    let configuration = try ConfigurationFile.find()
    let history = try History(path: History.path(in: configuration.settings.cache))
    let entries = try history.entries(matching: test, root: configuration.root, limit: limit)
    guard !entries.isEmpty else {
      Console.error("provium: no past result of '\(test)'")
      throw ExitCode(ExitStatusCode.notJudged)
    }
    for entry in entries {
      let when = Amount.timestamp(entry.time) + "Z"
      let name = entry.test.isEmpty ? entry.file : "\(entry.file) / \(entry.test)"
      let took = Quantity.text(.nanoseconds(Int64(entry.duration * 1e9)))
      let kernel = entry.kernel.isEmpty ? nil : "on \(HarmlessText.line(entry.kernel))"
      let notes = [
        kernel, entry.isPartial && entry.test.isEmpty ? "(some of its tests)" : nil, entry.message,
      ]
      Console.print(([when, entry.outcome, took, name] + notes.compactMap { $0 }).joined(separator: "  "))
    }
  }
}
