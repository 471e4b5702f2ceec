import ArgumentParser
import Glibc
import ProviumRuntime
import ProviumScripts
import ProviumSystem

struct FixtureCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fixture",
    abstract: "List, build and remove fixtures in the cache.",
    subcommands: [List.self, Build.self, Rebuild.self, Why.self, Stale.self, Clean.self]
  )

  /// Calls `body` with the fixtures of the project, and removes the run directory afterwards.
  static func withFixtures(_ machines: VMOptions, _ body: (FixtureAdministration) throws -> Void)
    throws
  {
    let engine = try Engine(
      configuration: try ConfigurationFile.find(kernel: machines.kernel()),
      options: try machines.engineOptions(),
      sinks: isatty(2) == 1 ? [ActivityLine()] : []
    )
    defer { engine.close() }
    Console.announceDebugLogs(of: engine)
    try body(FixtureAdministration(engine.fixtures, services: engine.services))
    try engine.events.finish()
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the fixtures in the cache: size, age, state."
    )
    @OptionGroup var machines: VMOptions

    func run() throws {
      try FixtureCommand.withFixtures(machines) { fixtures in
        let entries = fixtures.list()
        if entries.isEmpty { Console.print("no fixtures in the cache") }
        for entry in entries {
          let age = Quantity.text(.seconds(Int64(Double(time(nil)) - entry.builtAt)))
          Console.print(
            "\(entry.name)\(entry.isLab ? " (lab)" : "")  \(Quantity.text(bytes: entry.size))  built \(age) ago  "
              + (entry.stale.map { "stale: \($0)" } ?? "current") + "  \(Files.display(entry.source))"
          )
        }
      }
    }
  }

  struct Build: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Build fixtures that are not up to date.")
    @Argument(help: "Names of fixtures, or paths of fixture scripts.") var names: [String]
    @Flag(help: "Build labs: all VMs and networks of each script.") var lab = false
    @OptionGroup var machines: VMOptions

    func run() throws {
      try FixtureCommand.withFixtures(machines) { fixtures in
        for name in names {
          let wasCurrent = (try? fixtures.why(name, asLab: lab)) == .some(nil)
          let seconds = try fixtures.build(name, force: false, asLab: lab)
          Console.print(
            wasCurrent
              ? "\(name) is current"
              : "\(name) built in \(Quantity.text(.milliseconds(Int64(seconds * 1000))))"
          )
        }
      }
    }
  }

  struct Rebuild: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Rebuild fixtures, also if they are up to date."
    )
    @Argument(help: "Names of fixtures, or paths of fixture scripts.") var names: [String]
    @Flag(help: "Build labs: all VMs and networks of each script.") var lab = false
    @OptionGroup var machines: VMOptions

    func run() throws {
      try FixtureCommand.withFixtures(machines) { fixtures in
        for name in names {
          let seconds = try fixtures.build(name, force: true, asLab: lab)
          Console.print("\(name) built in \(Quantity.text(.milliseconds(Int64(seconds * 1000))))")
        }
      }
    }
  }

  struct Why: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show which input of a fixture changed since it was built."
    )
    @Argument(help: "The name of a fixture, or the path of its script.") var name: String
    @Flag(help: "Show it for the lab of the script.") var lab = false
    @OptionGroup var machines: VMOptions

    func run() throws {
      try FixtureCommand.withFixtures(machines) { fixtures in
        Console.print(
          try fixtures.why(name, asLab: lab).map { "\(name) would be built: \($0)" } ?? "\(name) is current"
        )
      }
    }
  }

  struct Stale: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List fixtures that are not up to date, and why."
    )
    @OptionGroup var machines: VMOptions

    func run() throws {
      try FixtureCommand.withFixtures(machines) { fixtures in
        for entry in fixtures.list() {
          if let reason = entry.stale { Console.print("\(entry.name): \(reason)") }
        }
      }
    }
  }

  struct Clean: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Remove a fixture from the cache, or all of them."
    )
    @Argument(help: "The name of a fixture, or the path of its script (default: all).") var name: String?
    @OptionGroup var machines: VMOptions

    func run() throws {
      try FixtureCommand.withFixtures(machines) { fixtures in
        let cleaned = try fixtures.clean(name)
        Console.print("\(Quantity.text(bytes: cleaned.freed)) freed")
        for name in cleaned.busy { Console.print("\(name) is in use by another process and was not removed") }
      }
    }
  }
}
