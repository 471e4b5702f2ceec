import ArgumentParser
import FoundationEssentials
import ProviumRuntime

struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Test files and their sub-tests, by reading them: boots nothing, runs nothing."
  )
  @Argument(help: "Test files, or folders of them.") var paths: [String] = []
  @Flag(name: .customLong("json"), help: "One JSON object a line.") var json = false
  @OptionGroup(title: "Which tests") var selection: SelectionOptions

  func run() throws {
    let configuration = try ConfigurationFile.find()
    let choice = try FileChoice(
      paths,
      selection: selection,
      configuration: configuration,
      memory: RunMemory(configuration)
    )
    for file in choice.files {
      let list = try TestList(file, selection.testSelection)
      if !json { Console.print("\(file.name)\(list.complaint.map { "  does not parse: \($0)" } ?? "")") }
      for entry in list.entries { Console.print(try line(entry)) }
      if list.hasMore, !json { Console.print("  · … (more, whose names are made by running)") }
    }
  }

  private func line(_ entry: TestList.Entry) throws -> String {
    if json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(entry), as: UTF8.self)
    }
    let notes = [
      entry.exempt, entry.isSlow ? "slow" : nil,
      entry.tags.isEmpty ? nil : entry.tags.joined(separator: ", "),
    ]
    .compactMap { $0 }
    return
      "  · \(entry.name)  (line \(entry.line)\(notes.isEmpty ? "" : "; \(notes.joined(separator: "; "))"))"
  }
}
