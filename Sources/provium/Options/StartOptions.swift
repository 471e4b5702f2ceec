import ArgumentParser

/// The state that a VM starts from: a boot of a profile, or a fixture.
struct StartOptions: ParsableArguments {
  @Option(name: .customLong("profile"), help: "Boot this profile of provium.toml; default is built in.")
  var profile: String?
  @Option(
    name: .customLong("fixture"),
    help: "Start from this fixture instead of booting; it is built if needed."
  )
  var fixture: String?
  @Option(
    name: .customLong("mem"),
    help: ArgumentHelp("Give a booted VM this much memory, such as 1G.", valueName: "size")
  )
  var memory: ByteCount?
}
