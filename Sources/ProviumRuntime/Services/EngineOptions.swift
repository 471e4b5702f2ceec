import ProviumSystem

/// Options of the whole process, from the command line, else from the environment.
package struct EngineOptions: Sendable {
  /// `kvm`, `tcg`, `auto`.
  package enum AcceleratorChoice: String, Sendable, CaseIterable { case kvm, tcg, auto }
  /// `vsock`, `serial`, `auto`.
  package enum ChannelChoice: String, Sendable, CaseIterable { case vsock, serial, auto }

  package var accelerator = AcceleratorChoice.auto
  /// No KVM is a fault, not a reason to emulate.
  package var requiresKVM = false
  package var channel = ChannelChoice.auto
  package var budget = PoolBudget.automatic
  /// `--fixtures=fresh`: nothing kept between runs is used.
  package var freshFixtures = false
  /// Files that run at once; nil: by the host's size.
  package var parallel: Int?

  /// The factor by which all time limits grow; nil: `timeout_multiplier` of `provium.toml`, else 10 where guests are emulated
  /// and 1 with KVM.
  package var timeoutMultiplier: Double?

  package init() {}

  /// `PROVIUM_ACCEL`, `PROVIUM_REQUIRE_KVM`, `PROVIUM_CHANNEL`, `PROVIUM_FIXTURES`, `PROVIUM_PARALLEL`, `PROVIUM_MEM`,
  /// `PROVIUM_CPUS` and `PROVIUM_TIMEOUT_MULTIPLIER`.
  /// - Throws: `EnvironmentError` for a value that is none.
  package static func fromEnvironment(_ variable: (String) -> String? = { Environment[$0] }) throws
    -> EngineOptions
  {
    var options = EngineOptions()
    func choice<Choice: RawRepresentable & CaseIterable>(_ name: String) throws -> Choice?
    where Choice.RawValue == String {
      guard let text = variable(name) else { return nil }
      guard let choice = Choice(rawValue: text) else {
        throw EnvironmentError(name: name, value: text, accepted: Choice.allCases.map(\.rawValue))
      }
      return choice
    }
    if let accelerator: AcceleratorChoice = try choice("PROVIUM_ACCEL") { options.accelerator = accelerator }
    if let channel: ChannelChoice = try choice("PROVIUM_CHANNEL") { options.channel = channel }
    options.requiresKVM = variable("PROVIUM_REQUIRE_KVM") == "1"
    options.freshFixtures = variable("PROVIUM_FIXTURES") == "fresh"
    func number(_ name: String) throws -> Int? {
      guard let text = variable(name) else { return nil }
      guard let number = Int(text), number >= 1 else {
        throw EnvironmentError(name: name, value: text, accepted: ["a number from 1"])
      }
      return number
    }
    options.parallel = try number("PROVIUM_PARALLEL")
    let memory = try variable("PROVIUM_MEM").map { text in
      guard let bytes = Quantity.bytes(text), bytes > 0 else {
        throw EnvironmentError(name: "PROVIUM_MEM", value: text, accepted: ["an amount such as 4G"])
      }
      return bytes
    }
    options.timeoutMultiplier = try variable("PROVIUM_TIMEOUT_MULTIPLIER").map { text in
      guard let factor = EngineOptions.timeoutMultiplier(text) else {
        throw EnvironmentError(
          name: "PROVIUM_TIMEOUT_MULTIPLIER",
          value: text,
          accepted: [EngineOptions.acceptedTimeoutMultiplier]
        )
      }
      return factor
    }
    if let budget = PoolBudget.fixedIfGiven(memory: memory, cpus: try number("PROVIUM_CPUS")) {
      options.budget = budget
    }
    return options
  }
}

extension EngineOptions {
  /// The factors for time limits that are accepted.
  static let timeoutMultipliers = 0.1...1000
  /// For messages.
  static let acceptedTimeoutMultiplier = "a number from 0.1 to 1000"

  /// Reads a factor for time limits; nil for text that is not a number from 0.1 to 1000.
  package static func timeoutMultiplier(_ text: String) -> Double? {
    Double(text).flatMap { timeoutMultipliers.contains($0) ? $0 : nil }
  }
}

/// An environment variable of Provium with an invalid value.
package struct EnvironmentError: CodedError, CustomStringConvertible {
  let name: String
  let value: String
  let accepted: [String]

  package var code: ProviumError.Code { .configuration }

  package var description: String {
    "invalid value '\(value)' for \(name)\(NearestName.hint(for: value, among: accepted)); accepted: \(accepted.joined(separator: ", "))"
  }
}
