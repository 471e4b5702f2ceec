import ProviumAgentClient
import ProviumBoot
import ProviumRuntime
import ProviumSystem
import ProviumVM

/// The state from which suites of modules start: a VM that has run none of the suites that are built in, with KUnit loaded.
struct KUnitFixture: FixtureRecipe {
  /// Selects no suite: names have no such character.
  private static let noSuite = "provium:none"

  let fixture: Fixture
  let settings: SuiteSettings
  let kernel: KUnitKernel

  var name: String { fixture.name }

  /// Writes the list of what the fixture is made of.
  init(_ settings: SuiteSettings, _ kernel: KUnitKernel, in configuration: Configuration) throws {
    self.settings = settings
    self.kernel = kernel
    let profile = try configuration.profile(settings.profile)
    // Each kernel has a fixture of its own: one that is made again at each change of --kernel saves nothing.
    let identity = [
      settings.profile, profile.kernel ?? "", "\(settings.memory ?? 0)", configuration.path ?? "",
    ].joined(separator: "\n")
    let folder = "\(configuration.settings.cache)/suites"
    let name = "\(SafeFileName.make(settings.name))-\(SHA256.hex(Array(identity.utf8)).prefix(16))"
    let path = "\(folder)/\(name)"
    var lines = ["a VM for KUnit suites of modules"]
    if kernel.isModule, let modules = kernel.moduleFolder {
      lines.append(SHA256.hex(try ModuleTree(modules).contents(of: KUnitKernel.moduleName)))
    }
    let text = Array(lines.joined(separator: "\n").utf8)
    try Files.createDirectories(folder)
    if (try? Files.read(path)) != text { try Files.replace(path, with: text) }
    fixture = Fixture(name: "\(settings.name) (KUnit)", source: path)
  }

  /// The configuration of a boot.
  /// - Parameter filter: `kunit.filter_glob`; nil: all suites.
  static func configuration(_ settings: SuiteSettings, filter: String?, _ words: [String])
    -> MachineConfiguration
  {
    var configuration = MachineConfiguration(profile: settings.profile)
    if let memory = settings.memory { configuration.memory = MemorySize(bytes: memory) }
    let own = ["kunit.enable=1"] + (filter.map { ["kunit.filter_glob=\($0)"] } ?? [])
    configuration.append = (own + words).joined(separator: " ")
    return configuration
  }

  func prepare(in scope: MachineScope) throws -> PreparedFixture {
    let machine = scope.machines.add(profile: try scope.services.configuration.profile(settings.profile))
    try machine.boot(Self.configuration(settings, filter: Self.noSuite, ["log_buf_len=4M"]))
    try machine.perform("preparing the guest for KUnit", allowance: .zero) { connection, deadline in
      try connection.mountVFS(until: deadline)
      try connection.makeDirectories(ByteString(KUnitModules.folder), until: deadline)
    }
    if kernel.isModule, let folder = kernel.moduleFolder {
      try KUnitModules(try ModuleTree(folder)).load(
        KUnitKernel.moduleName,
        parameters: "enable=1",
        in: machine
      )
    }
    return PreparedFixture(
      machine: machine,
      inputs: [
        FixtureInput(
          kind: .source,
          name: "the list of the modules",
          location: fixture.source,
          value: try SHA256.hex(file: fixture.source)
        )
      ]
    )
  }
}
