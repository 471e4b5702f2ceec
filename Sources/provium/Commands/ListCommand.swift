import ArgumentParser
import ProviumJSON
import ProviumRunner
import ProviumRuntime
import ProviumScripts
import ProviumSystem

struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List test files and their sub-tests by reading them; boots and runs nothing."
  )
  @Argument(help: "Test files, folders of them, or suites of provium.toml.") var paths: [String] = []
  @Flag(name: .customLong("json"), help: "Print one JSON object for each sub-test.") var json = false
  @Option(
    name: .customLong("kernel"),
    help: ArgumentHelp("List the tests as they run on this kernel (repeatable).", valueName: "k")
  )
  var kernels: [String] = []
  @OptionGroup(title: "Selection") var selection: SelectionOptions

  func validate() throws {
    if kernels.contains("") { throw ValidationError("--kernel needs a path or a name, such as deb:6.1") }
  }

  func run() throws {
    let configuration = try ConfigurationFile.find()
    let kernels = try configuration.kernels(named: kernels)
    let source: any TestSource =
      try kernels.isEmpty
      ? ProjectTests(configuration) : MatrixTests(kernels, configuration) { try ProjectTests($0) }
    let suite = try SuiteSelection(
      paths,
      try selection.criteria(),
      configuration: configuration,
      memory: RunMemory(configuration) { Console.error("provium: warning: \($0)") },
      source: source
    )
    for line in suite.skipped { Console.error("provium: warning: \(line)") }
    for file in suite.files {
      let list = try source.list(file, selection.testSelection)
      if !json { Console.print("\(file.name)\(list.complaint.map { "  does not parse: \($0)" } ?? "")") }
      for entry in list.entries {
        if json { Console.write(try jsonLine(entry), to: 1) } else { Console.print(line(entry)) }
      }
      if list.hasMore, !json { Console.print("  · … (more: some names are computed when the file runs)") }
    }
  }

  private func jsonLine(_ entry: TestList.Entry) throws -> String {
    var entry = entry
    entry.file = PathText.plain(entry.file)
    return try JSONEncoding(writesNil: false).value(of: entry).sorted.text + "\n"
  }

  private func line(_ entry: TestList.Entry) -> String {
    let notes = [
      entry.exempt, entry.isSlow ? "slow" : nil,
      entry.tags.isEmpty ? nil : entry.tags.joined(separator: ", "),
    ]
    .compactMap { $0 }
    return
      "  · \(HarmlessText.line(entry.name))  (line \(entry.line)\(notes.isEmpty ? "" : "; \(notes.joined(separator: "; "))"))"
  }
}
