import ProviumBlock
import ProviumSystem

/// Options of the whole process, from the command line, else from the environment.
package struct EngineOptions: Sendable {
  /// `kvm`, `tcg`, `auto`.
  package enum AcceleratorChoice: String, Sendable, CaseIterable { case kvm, tcg, auto }
  /// `vsock`, `serial`, `auto`.
  package enum ChannelChoice: String, Sendable, CaseIterable { case vsock, serial, auto }

  /// `on`, `off`.
  private enum ForkServerChoice: String, CaseIterable { case on, off }

  package var accelerator = AcceleratorChoice.auto
  /// Without KVM the process fails instead of emulating.
  package var requiresKVM = false
  package var channel = ChannelChoice.auto
  package var budget = PoolBudget.automatic
  /// `--fixtures=fresh`: fixtures of earlier runs are not used.
  package var freshFixtures = false
  /// The number of files that run at once; nil: by the number of processors.
  package var parallel: Int?

  /// The number of failed tests whose VMs are kept; nil: `keep_failed` of `provium.toml`.
  package var keptFailures: Int?

  /// `--crash-point`: the identifier of the one crash point that `provium.crash_points` checks; nil: all.
  package var crashPoint: String?

  /// The factor by which all time limits grow; nil: `timeout_multiplier` of `provium.toml`, else 10 where guests are emulated
  /// and 1 with KVM.
  package var timeoutMultiplier: Double?

  /// Whether QEMU is started by a fork server, which is faster.
  package var forksQEMU = true

  /// The level of the VMs' debug logs. If they are on, the run directory is kept.
  package var logLevel = LogLevel.off

  package init() {}

  /// `PROVIUM_ACCEL`, `PROVIUM_REQUIRE_KVM`, `PROVIUM_CHANNEL`, `PROVIUM_FIXTURES`, `PROVIUM_LOG`, `PROVIUM_PARALLEL`,
  /// `PROVIUM_MEM`, `PROVIUM_CPUS`, `PROVIUM_CRASH_POINT`, `PROVIUM_KEEP_FAILED`, `PROVIUM_TIMEOUT_MULTIPLIER` and
  /// `PROVIUM_FORK_SERVER`.
  /// - Throws: `EnvironmentError` for an invalid value.
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
    if let level: LogLevel = try choice("PROVIUM_LOG") { options.logLevel = level }
    if let start: ForkServerChoice = try choice("PROVIUM_FORK_SERVER") { options.forksQEMU = start == .on }
    options.requiresKVM = variable("PROVIUM_REQUIRE_KVM") == "1"
    options.freshFixtures = variable("PROVIUM_FIXTURES") == "fresh"
    func number(_ name: String) throws -> Int? {
      guard let text = variable(name) else { return nil }
      guard let number = Int(text), number >= 1 else {
        throw EnvironmentError(name: name, value: text, accepted: ["a number from 1"])
      }
      return number
    }
    options.keptFailures = try variable("PROVIUM_KEEP_FAILED").map { text in
      guard let number = Int(text), (0...Settings.mostKeptFailures).contains(number) else {
        throw EnvironmentError(
          name: "PROVIUM_KEEP_FAILED",
          value: text,
          accepted: ["a number of tests from 0 to \(Settings.mostKeptFailures)"]
        )
      }
      return number
    }
    options.crashPoint = try variable("PROVIUM_CRASH_POINT").map { text in
      guard isCrashPoint(text) else {
        throw EnvironmentError(name: "PROVIUM_CRASH_POINT", value: text, accepted: ["an id such as 41-3"])
      }
      return text
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
          accepted: [Settings.acceptedTimeoutMultiplier]
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
  /// Whether a text is the identifier of a crash point.
  package static func isCrashPoint(_ text: String) -> Bool { CrashPoint(identifier: text) != nil }

  /// Reads a factor for time limits; nil for text that is not a number from 0.1 to 1000.
  package static func timeoutMultiplier(_ text: String) -> Double? {
    Double(text).flatMap { Settings.timeoutMultipliers.contains($0) ? $0 : nil }
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
