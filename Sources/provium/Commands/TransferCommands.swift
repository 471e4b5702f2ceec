import ArgumentParser
import ProviumRuntime
import ProviumSystem

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a kept VM into one compressed file, for another host."
  )

  @Argument(help: "The ID that the report showed.") var id: String
  @Argument(help: "The new file, such as failure.tar.zst.") var file: String

  func run() throws {
    let store = try OpenSession.store()
    let (failure, hold) = try store.find(id)
    let path = Files.resolve(file, against: Files.currentDirectory)
    try withExtendedLifetime(hold) { try store.export(failure, to: path) }
    Console.print("\(Files.display(path)): \(Quantity.text(bytes: Files.blocks(path))), \(failure.test)")
  }
}

struct ImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Add a VM that provium export wrote, so that provium open can open it.",
    discussion: "A VM can be opened where its QEMU version is. Import only VMs that you would run."
  )

  @Argument(help: "The file.") var file: String

  func run() throws {
    let path = Files.resolve(file, against: Files.currentDirectory)
    Console.print("provium open \(try OpenSession.store().import(path))")
  }
}
