import ProviumArchitecture
import ProviumBoot
import ProviumEvents
import ProviumRuntime
import ProviumScripts
import ProviumSystem
import Synchronization

/// One suite of programs, such as the kernel's selftests, and what all runs of them share. Thread-safe.
final class ProgramSuite: Sendable {
  private struct Prepared {
    let contents: TreeContents
    let fixture: Fixture
  }

  let settings: SuiteSettings
  let tree: ProgramTree
  let units: [ProgramUnit]
  private let byName: [String: ProgramUnit]
  /// Made when the first program runs: listing reads no programs.
  private let prepared = Mutex<Result<Prepared, any Error>?>(nil)
  /// The kernel's options as this host has them: not looked for yet, not there, or there.
  private let options = Mutex<KernelOptions??>(nil)
  /// The kernel's options as the guest told them.
  private let guestOptions = Mutex<KernelOptions?>(nil)

  /// Reads the list of the tree. Boots nothing.
  /// - Parameters:
  ///   - selected: collections and programs; empty: those of the suite's settings.
  ///   - prefix: of the names of files; nil: there is only one settings.
  init(
    _ settings: SuiteSettings,
    selected: [String] = [],
    prefix: String?,
    in configuration: Configuration
  ) throws {
    self.settings = settings
    tree = try ProgramTree(settings)
    let programs = try tree.select(
      selected.isEmpty ? settings.selected : selected,
      groups: settings.groups,
      without: settings.skipped
    )
    units = ProgramUnit.divide(programs, of: tree, settings, prefix: prefix)
    byName = Dictionary(units.map { ($0.file.name, $0) }, uniquingKeysWith: { first, _ in first })
    if settings.fixture == nil {
      let profile = try configuration.profile(settings.profile)
      try check(programs, for: profile.architecture ?? .host)
    }
  }

  /// - Throws: `SuiteError.foreignTree` for the first program that the guest cannot run.
  private func check(_ programs: [SuiteProgram], for guest: Architecture) throws {
    for program in programs {
      guard let path = tree.path(of: program), let head = try? Files.readHead(path, ELFProgram.headSize)
      else { continue }
      if let file = ELFProgram(head) { try ProgramNeeds.check(file, path: program.key, guest: guest) }
    }
  }

  func unit(_ file: TestFile) -> ProgramUnit? { byName[file.plainName] }

  /// The list of a file's sub-tests.
  /// - Parameter configuration: to find the kernel's options on this host.
  func script(_ unit: ProgramUnit, in configuration: Configuration) -> ScannedScript {
    unit.script { self.exemption(of: $0, in: configuration) }
  }

  /// The time limit of a program, before the timeout multiplier; nil: none of its own.
  func timeout(of program: SuiteProgram) -> Duration? {
    settings.timeout ?? tree.timeout(of: program)
  }

  /// Why a program is skipped: the kernel lacks options that its collection asks for. nil also where the kernel's options are not known.
  func exemption(of program: SuiteProgram, in configuration: Configuration) -> String? {
    guard !settings.ignoresKernelOptions, let known = hostOptions(configuration) else { return nil }
    return Self.lack(known.missing(tree.kernelOptions(of: program)))
  }

  /// Why a program is skipped, where only the guest tells the kernel's options (`/proc/config.gz`).
  func exemption(of program: SuiteProgram, in machine: Machine) throws -> String? {
    let wanted = tree.kernelOptions(of: program)
    guard !settings.ignoresKernelOptions, !wanted.isEmpty else { return nil }
    if case .some(.some) = options.withLock({ $0 }) { return nil }
    let known = guestOptions.withLock { $0 }
    if let known { return Self.lack(known.missing(wanted)) }
    let result = try machine.perform("reading /proc/config.gz", allowance: .zero) {
      try $0.exec("zcat /proc/config.gz || gzip -dc /proc/config.gz", until: $1)
    }
    guard result.isSuccess else { return nil }
    let options = KernelOptions(result.standardOutput.text)
    guestOptions.withLock { $0 = options }
    return Self.lack(options.missing(wanted))
  }

  static func lack(_ names: [String]) -> String? {
    names.isEmpty ? nil : "the kernel lacks \(names.joined(separator: ", "))"
  }

  /// The options of the kernel that the suite's profile boots, where this host has them.
  private func hostOptions(_ configuration: Configuration) -> KernelOptions? {
    options.withLock { options in
      if let options { return options }
      let found = findOptions(configuration)
      options = .some(found)
      return found
    }
  }

  private func findOptions(_ configuration: Configuration) -> KernelOptions? {
    guard settings.fixture == nil, let profile = try? configuration.profile(settings.profile) else {
      return nil
    }
    guard let kernel = profile.kernel else {
      guard let architecture = try? profile.architecture ?? .host,
        let own = DistributionKernel.prepared(cache: configuration.settings.cache, architecture: architecture)
      else { return nil }
      let release = own.modules.split(separator: "/").last.map(String.init)
      return KernelOptions.find(kernel: own.kernel, release: release, modules: own.modules)
    }
    let architecture = try? profile.architecture ?? .host
    // `deb:6.1` names a kernel that is kept in the cache.
    let named = architecture.flatMap {
      KernelLibrary(cache: configuration.settings.cache, architecture: $0).kept(kernel)
    }
    let path = named?.kernel ?? kernel
    let image = try? KernelImage(path)
    return KernelOptions.find(
      kernel: path,
      release: image?.release ?? named?.release,
      modules: profile.modules ?? named?.modules ?? image?.usualModules
    )
  }

  // MARK: The VM

  /// Resumes a VM in which the programs are. Builds the fixture first if it is not current. Blocks.
  func resume(in scope: MachineScope, _ fixtures: FixtureService) throws -> Machine {
    let prepared = try prepare(scope.services.configuration)
    let recipe = ProgramFixture(
      fixture: prepared.fixture,
      suite: settings,
      tree: tree,
      contents: prepared.contents,
      fixtures: fixtures
    )
    return try fixtures.resume(prepared.fixture, recipe: recipe, in: scope)
  }

  private func prepare(_ configuration: Configuration) throws -> Prepared {
    try prepared.withLock { prepared in
      if prepared == nil { prepared = Result { try makePrepared(configuration) } }
      return try prepared?.get() ?? makePrepared(configuration)
    }
  }

  /// Writes the list of everything that goes into the guest. The fixture is made from that list, and is stale when the list changes.
  private func makePrepared(_ configuration: Configuration) throws -> Prepared {
    let cache = configuration.settings.cache
    let contents = try TreeContents(
      tree,
      selected: units.flatMap(\.programs),
      digests: DigestCache(folder: "\(cache)/digests")
    )
    // Each kernel has a fixture of its own: one that is made again at each change of --kernel saves nothing.
    let kernel = try configuration.profile(settings.profile).kernel ?? ""
    let identity = [
      tree.path, settings.profile, kernel, settings.fixture ?? "", "\(settings.memory ?? 0)",
      configuration.path ?? "",
      "\(settings.fileSystem) \(settings.diskSize) \(settings.variables.sorted { $0.key < $1.key })",
    ].joined(separator: "\n")
    let folder = "\(cache)/suites"
    let name = "\(SafeFileName.make(settings.name))-\(SHA256.hex(Array(identity.utf8)).prefix(16))"
    let path = "\(folder)/\(name)"
    let text = Array("the programs of \(tree.path)\n\(contents.description)".utf8)
    try Files.createDirectories(folder)
    if (try? Files.read(path)) != text { try Files.replace(path, with: text) }
    return Prepared(contents: contents, fixture: Fixture(name: "\(settings.name) (suite)", source: path))
  }
}
