import ArgumentParser
import Glibc
import ProviumRunner
import ProviumRuntime
import ProviumScripts
import ProviumSystem
import ProviumVM
import Synchronization

struct OpenCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "open",
    abstract: "Open a copy of a VM that was kept when its test failed.",
    discussion: """
      Without an ID, opens the VM that was kept last. An ID can be shortened. Each open starts a fresh copy of the state at the \
      failure: what is done in it ends with it. On a terminal, Ctrl-] leaves.

      VMs are kept by provium test --keep-failed, keep_failed in provium.toml, or PROVIUM_KEEP_FAILED.
      """
  )

  @Argument(help: "The ID that the report showed.") var id = ""
  @Flag(name: .customLong("list"), help: "List the kept VMs.") var list = false
  @Flag(name: .customLong("remove"), help: "Remove the VM of the ID.") var remove = false
  @Option(
    name: .customLong("run"),
    help: ArgumentHelp(
      "Run one shell command instead of a shell, and exit with its code.",
      valueName: "command"
    )
  )
  var command: String?
  @Flag(name: .customLong("console"), help: "Show the serial console, and write to it.") var console = false

  @Flag(name: .customLong("before"), help: "Open the state at the start of the sub-test instead.")
  var before = false
  @Flag(name: .customLong("gdb"), help: "Debug the stopped kernel with gdb.") var gdb = false
  @Option(
    name: .customLong("vmlinux"),
    help: ArgumentHelp("Take gdb's symbols from this file, with --gdb.", valueName: "file")
  )
  var vmlinux: String?
  @Option(
    name: .customLong("core"),
    help: ArgumentHelp("Write an ELF core for drgn and crash.", valueName: "file")
  )
  var core: String?

  func validate() throws {
    let modes = [list, remove, command != nil, console, gdb, core != nil].count { $0 }
    guard modes <= 1 else {
      throw ValidationError("--list, --remove, --run, --console, --gdb and --core exclude each other")
    }
    guard vmlinux == nil || gdb else { throw ValidationError("--vmlinux needs --gdb") }
    if core?.isEmpty == true { throw ValidationError("--core needs the path of a new file") }
    if remove, id.isEmpty { throw ValidationError("--remove needs the ID of a kept VM") }
    if list, !id.isEmpty { throw ValidationError("--list takes no ID") }
  }

  func run() throws {
    let configuration = try ConfigurationFile.find()
    let store = try Self.store(configuration)
    if list { return Self.printList(store) }
    var (failure, hold) = try store.find(id)
    if remove {
      _ = consume hold
      return try store.remove(failure.id)
    }
    if before { failure = try failure.atStart() }
    let options = try Self.options(for: failure)
    if gdb { throw ExitCode(try debug(failure, hold, configuration, options)) }
    if let core { return try writeCore(to: core, failure, hold, configuration, options) }
    if console { return try openConsole(failure, hold, configuration, options) }
    guard failure.condition == .running else {
      throw KeptFailureError.dead(id: failure.id, reason: failure.reasonOfDeath)
    }
    if command == nil { for line in Self.summary(failure) { Console.error(line) } }
    var terminal = TerminalCommand()
    terminal.greeting = "provium: a copy of \(failure.machine); Ctrl-] leaves"
    terminal.isPlain = command != nil
    try terminal.run(
      [command ?? TerminalCommand.shell],
      makeEngine: { activity in
        let sinks = activity.map { [$0] } ?? []
        let engine = try Engine(configuration: configuration, options: options, sinks: sinks)
        return (engine, .kept(failure, hold))
      }
    )
  }

  /// The kept VMs of the project's cache.
  static func store(_ configuration: Configuration? = nil) throws -> FailureStore {
    let settings = try (configuration ?? ConfigurationFile.find()).settings
    return FailureStore(cache: settings.cache, maximum: settings.keptMaximum)
  }

  /// The options of the host that the VM ran with. What the host lacks is refused by name.
  static func options(for failure: KeptFailure) throws -> EngineOptions {
    var options = try EngineOptions.fromEnvironment()
    options.keptFailures = 0
    if failure.snapshot.conditions.accelerator == "tcg" { options.accelerator = .tcg }
    if failure.snapshot.secret == nil { options.channel = .serial }
    return options
  }

  /// The test and its failure.
  static func summary(_ failure: KeptFailure) -> [String] {
    let first = failure.message.split(separator: "\n").first.map(String.init) ?? ""
    return ["provium: \(failure.test)", "provium: \(first)"]
  }

  private static func printList(_ store: FailureStore) {
    let entries = store.entries()
    if entries.isEmpty { Console.print("no VM is kept in \(Files.display(store.folder))") }
    for entry in entries {
      let age = Quantity.text(.seconds(max(0, Int64(Double(time(nil)) - entry.keptAt))))
      let head = "\(entry.id)  \(Quantity.text(bytes: entry.size))  \(age) ago"
      switch entry.failure {
      case .success(let failure):
        Console.print("\(head)  \(failure.condition.rawValue)  \(failure.machine)  \(failure.test)")
      case .failure(let error): Console.print("\(head)  cannot be opened: \(error)")
      }
    }
  }

  // MARK: Debuggers

  /// Runs gdb on the user's terminal.
  /// - Returns: gdb's exit code.
  private func debug(
    _ failure: KeptFailure,
    _ hold: FailureStore.Hold,
    _ configuration: Configuration,
    _ options: EngineOptions
  ) throws -> Int32 {
    // gdb itself debugs guests of the host's architecture alone.
    let isForeign = failure.snapshot.conditions.architecture.name != HostFacts.machine
    let name = isForeign ? "gdb-multiarch" : "gdb"
    guard let program = ToolRun.find(name) else {
      throw ValidationError("\(name) is not installed: apt-get install \(name)")
    }
    for line in Self.summary(failure) { Console.error(line) }
    // gdb takes Ctrl-C itself.
    _ = try SignalThread { number, _ in if number != SIGINT { _exit(ExitStatusCode.signal(number)) } }
    let engine = try Engine(configuration: configuration, options: options, sinks: [])
    defer { engine.close() }
    let copy = try OpenedFailure(failure, hold, engine: engine)
    defer { copy.close() }
    let named = vmlinux.map { Files.resolve($0, against: Files.currentDirectory) }
    let session = try copy.startDebugger(vmlinux: named)
    Console.error("provium: \(session.remark)")
    let child = try ChildProcess(
      executable: program,
      arguments: session.arguments,
      descriptors: [0: 0, 1: 1, 2: 2],
      inNewSession: false
    )
    let isTerminal = isatty(0) == 1
    if isTerminal {
      // gdb's process group is the terminal's foreground until gdb ends.
      _ = signal(SIGTTOU, SIG_IGN)
      _ = tcsetpgrp(0, child.pid)
      _ = kill(-child.pid, SIGCONT)
    }
    defer { if isTerminal { _ = tcsetpgrp(0, getpgrp()) } }
    return try child.wait(until: .never)?.shellCode ?? ExitStatusCode.notJudged
  }

  private func writeCore(
    to path: String,
    _ failure: KeptFailure,
    _ hold: FailureStore.Hold,
    _ configuration: Configuration,
    _ options: EngineOptions
  ) throws {
    let engine = try Engine(configuration: configuration, options: options, sinks: [])
    defer { engine.close() }
    let copy = try OpenedFailure(failure, hold, engine: engine)
    defer { copy.close() }
    let path = Files.resolve(path, against: Files.currentDirectory)
    try copy.writeCore(to: path)
    let release = failure.snapshot.kernelRelease ?? ""
    Console.print(
      "\(Files.display(path)): \(Quantity.text(bytes: Files.blocks(path))), a core of kernel \(release)"
    )
  }

  // MARK: The console

  private func openConsole(
    _ failure: KeptFailure,
    _ hold: FailureStore.Hold,
    _ configuration: Configuration,
    _ options: EngineOptions
  ) throws {
    for line in Self.summary(failure) { Console.error(line) }
    if let bytes = try? Files.read(failure.consolePath) {
      try bytes.suffix(Self.shownConsole).withUnsafeBytes { try Console.writeAll($0, to: 1) }
    }
    guard failure.condition != .stopped else {
      Console.error("\nprovium: \(failure.reasonOfDeath): the guest runs no more, and prints nothing")
      return
    }
    let isTerminal = isatty(0) == 1 && isatty(1) == 1
    let raw = RawTerminalHolder()
    _ = try SignalThread { number, _ in
      raw.restore()
      _exit(ExitStatusCode.signal(number))
    }
    let engine = try Engine(configuration: configuration, options: options, sinks: [])
    defer { engine.close() }
    let copy = try OpenedFailure(failure, hold, engine: engine)
    defer { copy.close() }
    try copy.proceed()
    if isTerminal {
      Console.error("\nprovium: the console of a copy of \(failure.machine); Ctrl-] leaves")
      try raw.set()
    }
    defer { raw.restore() }
    let input = ConsoleInput(copy, isTerminal: isTerminal)
    try input.start()
    try copy.followConsole(mustEnd: { input.hasEnded }) { try Console.writeAll($0, to: 1) }
    raw.restore()
    if isTerminal { Console.error("\nprovium: left the console") }
  }

  /// Bytes of the kept console that are shown.
  private static let shownConsole = 16 << 10
}

/// Copies standard input to the console of an opened VM, on a thread of its own. Thread-safe.
private final class ConsoleInput: Sendable {
  private let copy: OpenedFailure
  private let isTerminal: Bool
  private let ended = Mutex(false)
  private static let escape: UInt8 = 0x1D
  /// How long output is awaited after the end of a pipe.
  private static let drain = Duration.seconds(2)

  init(_ copy: OpenedFailure, isTerminal: Bool) {
    self.copy = copy
    self.isTerminal = isTerminal
  }

  var hasEnded: Bool { ended.withLock { $0 } }

  func start() throws {
    _ = try DedicatedThread(name: "stdin", stackSize: 512 << 10) { [self] in
      var piece = [UInt8](repeating: 0, count: 4096)
      while true {
        let count = piece.withUnsafeMutableBytes { read(0, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { break }
        let bytes = piece[..<count]
        let leave = isTerminal ? bytes.firstIndex(of: Self.escape) : nil
        try? copy.writeConsole(Array(leave.map { bytes[..<$0] } ?? bytes))
        if leave != nil { return ended.withLock { $0 = true } }
      }
      // The guest may still answer what came through the pipe, and nothing tells when it has answered everything.
      usleep(UInt32(Self.drain.components.seconds * 1_000_000))
      ended.withLock { $0 = true }
    }
  }
}
