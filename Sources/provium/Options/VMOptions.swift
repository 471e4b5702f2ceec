import ArgumentParser
import ProviumRuntime

/// Options that say how VMs run.
struct VMOptions: ParsableArguments {
  @Option(name: .customLong("accel"), help: "Choose the accelerator; auto uses KVM if it runs guest code.")
  var accelerator: EngineOptions.AcceleratorChoice?
  @Option(
    name: .customLong("kernel"),
    help: ArgumentHelp(
      "Boot this kernel: a file, tree, .deb, .rpm, deb:6.1 or oci:IMAGE (tests: repeatable).",
      valueName: "k"
    )
  )
  var kernels: [String] = []
  @Flag(name: .customLong("require-kvm"), help: "Fail if KVM does not work, instead of emulating.")
  var requireKVM = false
  @Option(name: .customLong("channel"), help: "Choose the channel between host and guest.")
  var channel: EngineOptions.ChannelChoice?
  @Option(
    name: .customLong("fixtures"),
    help: "Use fixtures of earlier runs, or build each again in this run."
  )
  var fixtures: FixtureMode = .cached

  @Option(
    name: .customLong("timeout-multiplier"),
    help: ArgumentHelp("Multiply all time limits by F; default: 10 for emulated VMs, else 1.", valueName: "f")
  )
  var timeoutMultiplier: TimeoutFactor?

  func validate() throws {
    if kernels.contains("") { throw ValidationError("--kernel needs a path or a name, such as deb:6.1") }
  }

  /// The kernel of a command that boots one.
  /// - Throws: `ValidationError` if several are given.
  func kernel() throws -> String? {
    guard kernels.count <= 1 else {
      throw ValidationError("this command boots one kernel: give --kernel once (provium test takes several)")
    }
    return kernels.first
  }

  enum FixtureMode: String, ExpressibleByArgument, CaseIterable { case cached, fresh }

  /// The options of the environment, overridden by those of the command line.
  func engineOptions() throws -> EngineOptions {
    var options = try EngineOptions.fromEnvironment()
    if let accelerator { options.accelerator = accelerator }
    if let channel { options.channel = channel }
    if requireKVM { options.requiresKVM = true }
    if fixtures == .fresh { options.freshFixtures = true }
    if let timeoutMultiplier { options.timeoutMultiplier = timeoutMultiplier.factor }
    return options
  }
}
