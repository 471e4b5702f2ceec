import ArgumentParser
import ProviumRunner
import ProviumSystem

struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Make a project in this folder: provium.toml, a first test, and files for editors.",
    discussion: "Writes no file that exists. In a kernel build tree, the tests boot the kernel of that tree."
  )
  @Flag(name: .customLong("types"), help: "Write only the files for editors, also where they exist.")
  var typesOnly = false

  func run() throws {
    let project = NewProject(in: Files.currentDirectory)
    let steps = try typesOnly ? project.writeTypes() : project.write()
    for step in steps {
      switch step {
      case .wrote(let name): Console.print("wrote \(name)")
      case .kept(let name): Console.print("kept  \(name)")
      case .outdated(let name):
        Console.print("kept  \(name): of another version; provium init --types writes it again")
      }
    }
    if !typesOnly { Console.print("\(project.kernel)\nnext: provium test") }
  }
}
