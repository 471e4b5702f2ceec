import ArgumentParser
import Glibc
import ProviumRuntime
import ProviumSystem

struct FixtureCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fixture",
    abstract: "Look at, build and remove fixtures in the cache.",
    subcommands: [List.self, Build.self, Rebuild.self, Why.self, Stale.self, Clean.self]
  )

  /// Runs `body` with an engine, and leaves nothing behind.
  static func withFixtures(_ machines: MachineOptionGroup, _ body: (FixtureAdministration) throws -> Void)
    throws
  {
    let engine = try Engine(
      configuration: try ConfigurationFile.find(),
      options: try machines.engineOptions(),
      sinks: isatty(2) == 1 ? [ActivityLine()] : []
    )
    defer { engine.close() }
    try body(FixtureAdministration(engine: engine))
    try engine.events.finish()
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Fixtures in the cache: size, age, state.")
    @OptionGroup var machines: MachineOptionGroup

    func run() throws {
      try FixtureCommand.withFixtures(machines) { fixtures in
        let entries = fixtures.list()
        if entries.isEmpty { Console.print("no fixtures are kept") }
        for entry in entries {
          let age = Quantity.text(.seconds(Int64(Double(time(nil)) - entry.builtAt)))
          Console.print(
            "\(entry.name)  \(Quantity.text(bytes: entry.size))  built \(age) ago  "
              + (entry.stale.map { "stale: \($0)" } ?? "current") + "  \(TestFile.display(entry.source))"
          )
        }
      }
    }
  }

  struct Build: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Build a fixture, if it is not current.")
    @Argument(help: "Names of fixtures, or paths of their scripts.") var names: [String]
    @OptionGroup var machines: MachineOptionGroup

    func run() throws {
      try FixtureCommand.withFixtures(machines) { fixtures in
        for name in names {
          let wasCurrent = (try? fixtures.why(name)) == .some(nil)
          let seconds = try fixtures.build(name, force: false)
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
    static let configuration = CommandConfiguration(abstract: "Rebuild a fixture even if it is up to date.")
    @Argument(help: "Names of fixtures, or paths of their scripts.") var names: [String]
    @OptionGroup var machines: MachineOptionGroup

    func run() throws {
      try FixtureCommand.withFixtures(machines) { fixtures in
        for name in names {
          let seconds = try fixtures.build(name, force: true)
          Console.print("\(name) built in \(Quantity.text(.milliseconds(Int64(seconds * 1000))))")
        }
      }
    }
  }

  struct Why: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Which input changed since the last build.")
    @Argument(help: "A fixture, or its script's path.") var name: String
    @OptionGroup var machines: MachineOptionGroup

    func run() throws {
      try FixtureCommand.withFixtures(machines) { fixtures in
        Console.print(try fixtures.why(name).map { "\(name) would be built: \($0)" } ?? "\(name) is current")
      }
    }
  }

  struct Stale: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Fixtures that would be built again.")
    @OptionGroup var machines: MachineOptionGroup

    func run() throws {
      try FixtureCommand.withFixtures(machines) { fixtures in
        for entry in fixtures.list() {
          if let reason = entry.stale { Console.print("\(entry.name): \(reason)") }
        }
      }
    }
  }

  struct Clean: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Remove a fixture, or all.")
    @Argument(help: "A fixture, or its script's path; without one, all.") var name: String?
    @OptionGroup var machines: MachineOptionGroup

    func run() throws {
      try FixtureCommand.withFixtures(machines) { fixtures in
        let cleaned = try fixtures.clean(name)
        Console.print("\(Quantity.text(bytes: cleaned.freed)) freed")
        for name in cleaned.busy { Console.print("\(name) is in use by another process, and stays") }
      }
    }
  }
}
