import ArgumentParser
import Glibc
import ProviumRunner
import ProviumRuntime
import ProviumSystem

struct KernelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernel",
    abstract: "List, fetch, add and remove kernels that are kept in the cache.",
    subcommands: [List.self, Fetch.self, Add.self, Remove.self]
  )

  fileprivate static func administration() throws -> KernelAdministration {
    try KernelAdministration(try ConfigurationFile.find())
  }

  fileprivate static func report(_ text: String) { Console.error("provium: \(text)") }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List kernels, their sizes, and their last use."
    )

    func run() throws {
      let kernels = try KernelCommand.administration().list()
      if kernels.isEmpty { Console.error("provium: no kernels; fetch one: provium kernel fetch deb:6.1") }
      for kernel in kernels {
        let age = max(0, Int64(time(nil)) - kernel.lastUse)
        let last = age < 60 ? "just now" : "\(Quantity.text(.seconds(age))) ago"
        let others = kernel.otherNames.map { "  (\($0))" }.joined()
        Console.print(
          "\(kernel.name)\(others)  \(Quantity.text(bytes: kernel.size))  used \(last)"
        )
      }
    }
  }

  struct Fetch: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract:
        "Fetch the newest kernel that a name fits, such as deb:6.1, deb:6.12-rt or oci:HOST/REPOSITORY:TAG."
    )
    @Argument(help: "Names of kernels.") var names: [String]

    func run() throws {
      for name in names {
        Console.print(try KernelCommand.administration().fetch(name, progress: KernelCommand.report))
      }
    }
  }

  struct Add: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract:
        "Add a kernel from the .deb or .rpm files of one kernel, or from a folder with kernel and modules."
    )
    @Option(name: .customLong("name"), help: "Name the kernel local:NAME; default: local:RELEASE.") var name:
      String?
    @Argument(help: "The package files, or the folder.") var paths: [String]

    func run() throws {
      let paths = paths.map { Files.resolve($0, against: Files.currentDirectory) }
      let kernel = try KernelCommand.administration().add(paths, name: name, progress: KernelCommand.report)
      Console.print(kernel.name)
    }
  }

  struct Remove: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Remove kernels.")
    @Argument(help: "Names of kernels, as the list shows them.") var names: [String]

    func run() throws {
      var missing = false
      for name in names where try !KernelCommand.administration().remove(name) {
        Console.error("provium: no kernel '\(name)' (provium kernel list)")
        missing = true
      }
      if missing { throw ExitCode(ExitStatusCode.notJudged) }
    }
  }
}
