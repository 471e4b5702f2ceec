import ProviumBoot
import ProviumLua
import ProviumVM
import ProviumSystem

/// Reads the options of `vm:boot` into a configuration.
enum BootOptions {
  static let known = ["memory", "cpus", "files", "disks", "append", "boot_timeout"]

  /// - Parameter folder: where relative host paths start: the folder of provium.toml.
  static func configuration(_ options: LuaOptions, folder: String) throws -> MachineConfiguration {
    var configuration = MachineConfiguration()
    if let memory = options["memory"] { configuration.memory = MemorySize(bytes: try memory.size()) }
    if let cpus = options["cpus"] { configuration.cpus = Int(try cpus.integer(in: 0...Int64(Int32.max))) }
    if let append = options["append"] { configuration.append = try append.string() }
    if let timeout = options["boot_timeout"] { configuration.bootTimeLimit = try timeout.duration() }
    let files = try options["files"]?.entries() ?? []
    configuration.files = try files.map { try file($0.name, $0.argument) }
    let disks = try options["disks"]?.list() ?? []
    configuration.disks = try disks.map { try disk($0) }
    configuration = configuration.resolvingPaths(against: folder)
    do { try configuration.validate() } catch {
      let argument: LuaArgument? =
        switch error.setting {
        case .memory: options["memory"]
        case .cpus: options["cpus"]
        case .bootTimeLimit: options["boot_timeout"]
        case .file(let path): files.first { $0.name == path }?.argument
        case .disk(let index): disks[index]
        }
      throw argument.map { refusal(error, of: $0) } ?? error
    }
    return configuration
  }

  private static func refusal(_ error: InvalidConfiguration, of argument: LuaArgument) -> any Error {
    switch error.problem {
    case .refused(let reason): argument.refused(reason)
    case .expected(let accepted, let given): argument.refused("must be \(accepted), got \(given)")
    }
  }

  private static func file(_ path: [UInt8], _ value: LuaArgument) throws -> GuestFile {
    guard case .table = value.value else {
      return GuestFile(path: path, contents: .hostFile(try value.string()), mode: nil)
    }
    let options = try value.options(known: ["content", "mode"])
    guard let content = options["content"] else {
      throw value.expected("a host path, or a table with 'content'")
    }
    let mode = try options["mode"]?.integer(in: 0...0o7777) ?? 0o644
    return GuestFile(path: path, contents: .bytes(try content.bytes()), mode: UInt32(mode))
  }

  private static func disk(_ value: LuaArgument) throws -> Disk {
    if case .string = value.value { return .image(try value.string()) }
    let options = try value.options(known: ["path", "format", "readonly", "snapshot"])
    guard let path = options["path"] else { throw value.expected("a table with 'path'") }
    let formats = Disk.Format.allCases.map(\.rawValue)
    return .image(
      try path.string(),
      format: try options["format"].flatMap { Disk.Format(rawValue: try $0.string(oneOf: formats)) } ?? .raw,
      readOnly: try options["readonly"]?.boolean() ?? false,
      discardsWrites: try options["snapshot"]?.boolean() ?? false
    )
  }
}

extension MachineConfiguration {
  /// The same configuration with the settings of a profile where its own are unset. The words for the kernel command line
  /// come after those of the profile.
  func applying(_ profile: Profile) -> MachineConfiguration {
    var configuration = self
    configuration.profile = profile.name
    configuration.boot.architecture = boot.architecture ?? profile.architecture
    configuration.boot.kernel = boot.kernel ?? profile.kernel
    configuration.boot.initrd = boot.initrd ?? profile.initrd
    configuration.boot.rootfs = boot.rootfs ?? profile.rootfs
    configuration.boot.initProgram = boot.initProgram ?? profile.initProgram
    configuration.boot.modules = boot.modules ?? profile.modules
    configuration.boot.append = [profile.append ?? "", boot.append].filter { !$0.isEmpty }
      .joined(separator: " ")
    return configuration
  }
}
