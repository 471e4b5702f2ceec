import ProviumArchitecture
import ProviumBoot
import ProviumLua
import ProviumRuntime
import ProviumSystem

/// The conditions under which a sub-test runs: `kernel`, `config`, `arch` and `cpus` of its options.
struct SubTestConditions {
  private var kernel: KernelCondition?
  private var options: [OptionCondition] = []
  private var architecture: Architecture?
  private var cpus: Int?

  /// `IO_URING`, `IO_URING=m`, `!KASAN`
  private struct OptionCondition {
    let name: String
    /// nil: `y` or `m`.
    let value: String?
    let isWanted: Bool

    init?(_ text: String) {
      isWanted = !text.hasPrefix("!")
      let parts = text.drop { $0 == "!" }.split(
        separator: "=",
        maxSplits: 1,
        omittingEmptySubsequences: false
      )
      guard let first = parts.first, !first.isEmpty,
        first.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") })
      else { return nil }
      name = first.hasPrefix("CONFIG_") ? String(first.dropFirst("CONFIG_".count)) : String(first)
      value = parts.count > 1 ? String(parts[1]) : nil
    }

    func isMet(by configuration: KernelConfiguration) -> Bool {
      let found = configuration[name]
      return (value.map { found == $0 } ?? (found == "y" || found == "m")) == isWanted
    }

    var description: String { "CONFIG_\(name)\(value.map { "=\($0)" } ?? "")" }
  }

  /// Takes one entry of the options; false: it is not a condition.
  mutating func take(_ name: String, _ value: LuaArgument) throws -> Bool {
    switch name {
    case "kernel":
      guard let condition = KernelCondition(try value.string()) else {
        throw value.expected("a condition such as \">= 6.2\" or \">= 5.10, < 6.2\"")
      }
      kernel = condition
    case "config":
      let values = value.value.text == nil ? try value.list() : [value]
      options = try values.map { value in
        guard let option = OptionCondition(try value.string()) else {
          throw value.expected("an option such as \"IO_URING\", \"IO_URING=y\" or \"!KASAN\"")
        }
        return option
      }
    case "arch":
      let names = Architecture.all.map(\.name)
      architecture = Architecture(named: try value.string(oneOf: names))
    case "cpus": cpus = Int(try value.integer(in: 1...255))
    default: return false
    }
    return true
  }

  /// The condition whose name differs from `name` in one letter; nil: there is none.
  static func name(like name: String) -> String? {
    ["kernel", "config", "arch", "cpus"].first {
      NearestName.editDistance(Array(name.lowercased()), Array($0)) == 1
    }
  }

  private var isEmpty: Bool { kernel == nil && options.isEmpty && architecture == nil && cpus == nil }

  /// Why the sub-test is skipped; nil: all conditions are met.
  /// - Throws: if something that a condition needs is not known.
  func reasonToSkip(in scope: MachineScope) throws -> String? {
    guard !isEmpty else { return nil }
    let facts = try ConditionFacts(scope.machines)
    if let architecture, architecture.name != facts.architecture.name {
      return "needs \(architecture), and \(facts.subject) is \(facts.architecture)"
    }
    if let cpus, cpus > facts.cpus { return "needs \(cpus) CPUs, and there are \(facts.cpus)" }
    if let kernel {
      let release = try facts.release()
      if !kernel.isMet(by: release) { return "needs kernel \(kernel), and \(facts.subject) has \(release)" }
    }
    guard !options.isEmpty else { return nil }
    let configuration = try facts.configuration()
    return options.first { !$0.isMet(by: configuration) }.map { option in
      "needs a kernel \(option.isWanted ? "with" : "without") \(option.description), and \(facts.subject) has "
        + (configuration[option.name].map { "CONFIG_\(option.name)=\($0)" } ?? "it not set")
    }
  }
}
