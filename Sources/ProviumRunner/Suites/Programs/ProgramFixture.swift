import ProviumAgentClient
import ProviumArchitecture
import ProviumBoot
import ProviumRuntime
import ProviumSystem
import ProviumVM

/// The state from which programs start: a VM with the tree, and with the loader and the libraries that its programs need.
struct ProgramFixture: FixtureRecipe {
  /// Memory for the programs, beside their tree: some are built with address sanitizer and take half a gibibyte.
  private static let programMemory: UInt64 = 1 << 30
  /// Folders that are made, or files that are linked, by one command.
  private static let batch = 100

  let fixture: Fixture
  let suite: SuiteSettings
  let tree: ProgramTree
  let contents: TreeContents
  let fixtures: FixtureService

  var name: String { fixture.name }

  func prepare(in scope: MachineScope) throws -> PreparedFixture {
    let machine = try start(in: scope)
    let needs = try ProgramNeeds(tree, contents, guest: machine.architecture)
    try mountFileSystems(in: machine)
    if !tree.isShared { try copyTree(to: machine) }
    try prepareSuite(in: machine)
    let libraries = try copyLibraries(needs, to: machine)
    var inputs = [
      FixtureInput(
        kind: .source,
        name: "the list of the programs",
        location: fixture.source,
        value: try SHA256.hex(file: fixture.source)
      )
    ]
    for path in try copyModules(to: machine) {
      inputs.append(
        FixtureInput(kind: .file, name: "a module", location: path, value: try SHA256.hex(file: path))
      )
    }
    for path in libraries.sorted() {
      inputs.append(
        FixtureInput(kind: .file, name: "a library", location: path, value: try SHA256.hex(file: path))
      )
    }
    return PreparedFixture(machine: machine, inputs: inputs)
  }

  private func start(in scope: MachineScope) throws -> Machine {
    let shares = tree.isShared ? [SharedFolder(tree.path, at: tree.guestFolder)] : []
    if let base = suite.fixture {
      let machine = try fixtures.resume(base, in: scope)
      for share in shares { try machine.share(share) }
      return machine
    }
    let machine = scope.machines.add(profile: try scope.services.configuration.profile(suite.profile))
    var configuration = MachineConfiguration(profile: suite.profile)
    // The tree is in memory, and programs need as much as on a machine without it.
    let memory = suite.memory ?? Self.programMemory + (tree.isShared ? 0 : contents.size)
    configuration.memory = MemorySize(bytes: ((memory + (1 << 20) - 1) >> 20) << 20)
    if !shares.isEmpty { configuration.shares = shares }
    if case .fstests = tree {
      configuration.servedDisks = [FstestsTree.testDisk, FstestsTree.scratchDisk].map {
        ServedDisk(id: $0, size: suite.diskSize)
      }
    }
    try machine.boot(configuration)
    return machine
  }

  // MARK: Setting up

  /// Mounts what programs expect of a running system, where it is missing and the kernel has it.
  private func mountFileSystems(in machine: Machine) throws {
    let script = """
      m() { mkdir -p "$2" 2>/dev/null; grep -q " $2 " /proc/mounts || mount -t "$1" "$1" "$2" 2>/dev/null; }
      mkdir -p /proc; [ -e /proc/mounts ] || mount -t proc proc /proc
      m sysfs /sys; m devtmpfs /dev; m tmpfs /dev/shm; m devpts /dev/pts; m mqueue /dev/mqueue
      m debugfs /sys/kernel/debug; m tracefs /sys/kernel/tracing; m securityfs /sys/kernel/security
      m cgroup2 /sys/fs/cgroup; m bpf /sys/fs/bpf; m tmpfs /tmp
      ip link set lo up 2>/dev/null || ifconfig lo up 2>/dev/null
      \(memoryFileSystem)
      """
    let result = try machine.perform("mounting file systems", allowance: .zero) {
      try $0.exec(ByteString(script), until: $1)
    }
    guard result.isSuccess else {
      let reason = result.standardError.text.trimmed
      throw ProviumError(
        .startFailed,
        "\(name): the guest has no place for the programs (mount of a tmpfs on \(tree.guestFolder)): \(reason)"
      )
    }
  }

  private var memoryFileSystem: String {
    if tree.isShared { return "true" }
    let options = "mode=755,size=\(contents.size * 2 + (64 << 20))"
    return "mkdir -p \(tree.guestFolder) && mount -t tmpfs -o \(options) kselftest \(tree.guestFolder)"
  }

  /// Sets up what the programs of this kind expect.
  private func prepareSuite(in machine: Machine) throws {
    let script: String
    switch tree {
    case .selftests: return
    case .ltp: script = LTPTree.preparation
    case .fstests(let fstests):
      script = fstests.preparation(folder: tree.guestFolder, variables: suite.variables)
    }
    let result = try machine.perform("preparing the suite", allowance: .zero) {
      try $0.exec(ByteString(script), until: $1)
    }
    guard result.isSuccess else {
      throw ProviumError(.startFailed, "\(name): \(result.standardError.text.trimmed)")
    }
  }

  private func copyTree(to machine: Machine) throws {
    var folders: [String] = [], links: [String] = []
    for (path, entry) in contents.entries {
      let place = ShellWord.quoted("\(tree.guestFolder)/\(path)")
      switch entry {
      case .folder: folders.append("mkdir -p \(place)")
      case .link(let target): links.append("ln -s \(ShellWord.quoted(target)) \(place)")
      case .file: break
      }
    }
    try run(folders, in: machine)
    for (path, entry) in contents.entries {
      guard case .file(let mode, _, _) = entry else { continue }
      try copy("\(tree.path)/\(path)", to: "\(tree.guestFolder)/\(path)", mode: mode, machine)
    }
    try run(links, in: machine)
  }

  private func copy(_ path: String, to place: String, mode: UInt32, _ machine: Machine) throws {
    let contents = try Files.read(path)
    try machine.perform("copying \(Files.display(path))", allowance: .zero) {
      try $0.writeFile(ByteString(place), contents, mode: mode, until: $1)
    }
  }

  private func run(_ lines: [String], in machine: Machine) throws {
    var rest = lines[...]
    while !rest.isEmpty {
      let script = rest.prefix(Self.batch).joined(separator: " && ")
      rest = rest.dropFirst(Self.batch)
      let result = try machine.perform("making folders", allowance: .zero) {
        try $0.exec(ByteString(script), until: $1)
      }
      guard result.isSuccess else {
        throw ProviumError(
          .startFailed,
          "\(name): the programs cannot be copied into the guest: \(result.standardError.text.trimmed)"
        )
      }
    }
  }

  /// Copies the host's loader and libraries, where the guest has no loader of its own.
  /// - Returns: the paths of the copied files.
  private func copyLibraries(_ needs: ProgramNeeds, to machine: Machine) throws -> Set<String> {
    let files = try needs.files(where: { try !exists($0, in: machine) })
    try run(
      files.map(Files.parent).uniqued().sorted().map { "mkdir -p \(ShellWord.quoted($0))" },
      in: machine
    )
    for path in files.sorted() { try copy(path, to: path, mode: 0o755, machine) }
    return files
  }

  /// Copies the modules that programs load, where this host has those of the guest's kernel.
  /// - Returns: the paths of the copied files.
  private func copyModules(to machine: Machine) throws -> [String] {
    guard let folder = try machine.moduleFolder(), let modules = try? ModuleTree(folder) else { return [] }
    return try ProgramModules(tree, contents, available: Set(modules.names)).copy(from: modules, to: machine)
  }

  private func exists(_ path: String, in machine: Machine) throws -> Bool {
    try machine.perform("looking for \(path)", allowance: .zero) { connection, deadline in
      try connection.exec(ByteString("[ -e \(ShellWord.quoted(path)) ]"), until: deadline).isSuccess
    }
  }
}
