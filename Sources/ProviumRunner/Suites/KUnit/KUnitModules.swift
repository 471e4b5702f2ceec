import ProviumAgentClient
import ProviumBoot
import ProviumRuntime
import ProviumSystem

/// Loads modules of a kernel in a guest, which need not have them. The guest needs a shell and `insmod`.
struct KUnitModules {
  /// The folder of the modules in the guest.
  static let folder = "/tmp/provium-kunit"
  /// The time in which a killed `insmod` must end, before the timeout multiplier. One that waits in the kernel does not.
  private static let patience = Duration.seconds(5)

  private let tree: ModuleTree

  init(_ tree: ModuleTree) { self.tree = tree }

  /// Loads a module, and the modules that it needs first. Blocks.
  /// - Throws: `ProviumError`, also where one of them is refused.
  func load(_ module: String, parameters: String, in machine: Machine) throws {
    let result = try load(module, parameters: parameters, limit: .seconds(30), in: machine)
    guard result.isSuccess else {
      throw ProviumError(.startFailed, Self.refusal(of: module, result))
    }
  }

  /// Loads a module, and the modules that it needs first, as `load(_:parameters:in:)`.
  /// - Parameter limit: of the module's own loading, before the timeout multiplier.
  /// - Returns: the end of `insmod` for the module itself.
  func load(_ module: String, parameters: String = "", limit: Duration, in machine: Machine) throws
    -> CommandResult
  {
    for needed in try tree.loads([module]) where needed.name != module {
      let result = try insert(needed.name, needed.parameters, limit: .seconds(30), in: machine)
      guard result.isSuccess || needed.isOptional else {
        throw ProviumError(.startFailed, Self.refusal(of: needed.name, result))
      }
    }
    return try insert(module, parameters, limit: limit, in: machine)
  }

  private func insert(_ module: String, _ parameters: String, limit: Duration, in machine: Machine) throws
    -> CommandResult
  {
    let contents = try tree.contents(of: module)
    let path = "\(Self.folder)/\(module).ko"
    try machine.perform("copying \(module).ko", allowance: .zero) {
      try $0.writeFile(ByteString(path), contents, mode: 0o644, until: $1)
    }
    var options = CommandOptions()
    options.timeout = limit * machine.timeoutMultiplier
    // Programs of the guest may have loaded it already.
    let command =
      "[ -e /sys/module/\(module) ] || PATH=\"$PATH:/sbin:/usr/sbin\" insmod \(path) \(parameters)"
    let own = Deadline.after((limit + Self.patience) * machine.timeoutMultiplier)
    return try machine.perform("insmod \(module)", allowance: options.timeout ?? .zero) {
      try $0.exec(ByteString(command), options, until: .earliest($1, own))
    }
  }

  /// Why a module was not loaded.
  static func refusal(of module: String, _ result: CommandResult) -> String {
    let said = HarmlessText.line(result.standardError.text.trimmed)
    return "the module \(module) was not loaded: \(said.isEmpty ? "insmod: \(result.status)" : said)"
  }
}
