import ArgumentParser
import ProviumRuntime

struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

  func run() { Console.print("provium \(ProviumVersion.string)") }
}
