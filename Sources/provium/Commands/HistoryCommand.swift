import ArgumentParser
import FoundationEssentials
import ProviumHistory
import ProviumRuntime
import ProviumSystem

struct HistoryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history",
    abstract: "Past results of a test of this project, newest first."
  )
  @Argument(help: "A part of a file's name, or of FILE / SUB-TEST.") var test: String
  @Option(name: .customLong("limit"), help: "At most this many.") var limit = 50

  func run() throws {
    let configuration = try ConfigurationFile.find()
    let entries = try History(path: "\(configuration.settings.cache)/history.sqlite").entries(
      matching: test,
      root: configuration.root,
      limit: limit
    )
    guard !entries.isEmpty else {
      Console.error("provium: no past result of '\(test)'")
      throw ExitCode(ExitStatusCode.fault)
    }
    for entry in entries {
      let when = Date(timeIntervalSince1970: entry.time).formatted(.iso8601)
      let name = entry.test.isEmpty ? entry.file : "\(entry.file) / \(entry.test)"
      let took = Quantity.text(.nanoseconds(Int64(entry.duration * 1e9)))
      let notes = [entry.isPartial && entry.test.isEmpty ? "(some of its tests)" : nil, entry.message]
      Console.print(([when, entry.outcome, took, name] + notes.compactMap { $0 }).joined(separator: "  "))
    }
  }
}
