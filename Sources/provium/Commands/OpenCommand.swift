import ArgumentParser
import ProviumRunner
import ProviumRuntime
import ProviumScripts
import ProviumSystem

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

  @Flag(name: .customLong("lua"), help: "Evaluate Lua at a prompt, with the copy as vm.") var lua = false

  @Flag(name: .customLong("before"), help: "Open the state at the start of the sub-test instead.")
  var before = false
  @Flag(name: .customLong("gdb"), help: "Debug the stopped kernel with gdb.") var gdb = false
  @Option(
    name: .customLong("vmlinux"),
    help: ArgumentHelp("Take symbols from this file, with --gdb or --drgn.", valueName: "file")
  )
  var vmlinux: String?
  @Flag(name: .customLong("drgn"), help: "Debug a core of the VM with drgn.") var drgn = false
  @Option(
    name: .customLong("core"),
    help: ArgumentHelp("Write an ELF core for drgn and crash.", valueName: "file")
  )
  var core: String?

  func validate() throws {
    let modes = [list, remove, command != nil, console, lua, gdb, drgn, core != nil].count { $0 }
    guard modes <= 1 else {
      throw ValidationError(
        "--list, --remove, --run, --console, --lua, --gdb, --drgn and --core exclude each other"
      )
    }
    guard vmlinux == nil || gdb || drgn else { throw ValidationError("--vmlinux needs --gdb or --drgn") }
    if core?.isEmpty == true { throw ValidationError("--core needs the path of a new file") }
    if remove, id.isEmpty { throw ValidationError("--remove needs the ID of a kept VM") }
    if list, !id.isEmpty { throw ValidationError("--list takes no ID") }
  }

  func run() throws {
    let configuration = try ConfigurationFile.find()
    let store = try OpenSession.store(configuration)
    if list { return OpenList(store: store).print() }
    var (failure, hold) = try store.find(id)
    if remove {
      _ = consume hold
      return try store.remove(failure.id)
    }
    if before { failure = try failure.atStart() }
    let session = try OpenSession(failure, hold, configuration)
    let debugger = OpenDebugger(session, vmlinux: vmlinux)
    if gdb { throw ExitCode(try debugger.runGDB()) }
    if drgn { throw ExitCode(try debugger.runDrgn()) }
    if let core { return try debugger.writeCore(to: core) }
    if console { return try OpenConsole(session: session).run() }
    try session.requireAgent()
    if lua { return try runPrompt(session) }
    try runShell(session)
  }

  /// Opens a shell in a copy, or runs one command.
  private func runShell(_ session: OpenSession) throws {
    if command == nil { session.printSummary() }
    var terminal = TerminalCommand()
    terminal.greeting = "provium: a copy of \(session.failure.machine); Ctrl-] leaves"
    terminal.isPlain = command != nil
    try terminal.run(
      [command ?? TerminalCommand.shell],
      makeEngine: { (try session.engine($0), .kept(session.failure, session.hold)) }
    )
  }

  /// Evaluates Lua at a prompt, with a copy as `vm`.
  private func runPrompt(_ session: OpenSession) throws {
    session.printSummary()
    try PromptSession.run(.kept(session.failure, session.hold)) { try session.engine($0) }
  }
}
