import ProviumBoot
import ProviumLua
import ProviumVM

/// The options of `vm:boot`.
extension MachineConfiguration {
  static let luaOptions = [
    "memory", "cpus", "files", "disks", "append", "boot_timeout", "initial_time", "clock", "share", "root",
    "kernel",
  ]

  /// - Parameter folder: the folder that relative host paths start from: that of `provium.toml`.
  init(_ options: LuaOptions, folder: String) throws {
    self.init()
    if let memory = options["memory"] { self.memory = MemorySize(bytes: try memory.size()) }
    if let cpus = options["cpus"] {
      // Validation says which numbers are accepted.
      self.cpus = Int(clamping: try cpus.integer())
    }
    if let append = options["append"] { self.append = try append.string() }
    if let timeout = options["boot_timeout"] { bootTimeLimit = try timeout.duration() }
    let files = try options["files"]?.entries() ?? []
    self.files = try files.map { try GuestFile(path: $0.name, $0.argument) }
    let disks = try options["disks"]?.list() ?? []
    let firstServed = disks.firstIndex(where: ServedDisk.isDescribed(by:)) ?? disks.count
    self.disks = try disks[..<firstServed].map { try Disk($0) }
    for disk in disks[firstServed...] where !ServedDisk.isDescribed(by: disk) {
      throw disk.refused("has no 'id', and must come before the disks with an id, as it does in the guest")
    }
    devices = try disks[firstServed...].map { try ServedDisk($0, folder: folder) }
    let shared = try options["share"]?.entries() ?? []
    shares = try shared.map { try SharedFolder(path: $0.name, $0.argument) }
    if let root = options["root"] { self.root = try root.path() }
    if let kernel = options["kernel"] {
      boot.kernel = try kernel.path()
      if boot.kernel?.isEmpty == true { throw kernel.expected("a path or a name such as \"deb:6.1\"") }
      boot.wantsUserland = true
    }
    initialTime = try options["initial_time"].map(GuestClock.initialTime)
    hasFastClock = try options["clock"]?.string(oneOf: ["fast", "real"]) == "fast"
    self = resolvingPaths(against: folder)
    do { try validate() } catch {
      let argument: LuaArgument? =
        switch error.setting {
        case .memory: options["memory"]
        case .cpus: options["cpus"]
        case .bootTimeLimit: options["boot_timeout"]
        case .initialTime: options["initial_time"]
        case .clock: options["clock"]
        case .file(let path): files.first { $0.name == path }?.argument
        case .disk(let index): disks[index]
        case .root: options["root"]
        case .share(let path): shared.first { $0.name == Array(path.utf8) }?.argument
        case .servedDisk(let id): servedDisks.firstIndex { $0.id == id }.map { disks[firstServed + $0] }
        }
      throw argument.map { $0.refused(error.reason) } ?? error
    }
  }
}

extension GuestClock {
  /// Seconds since 1970, or `"2030-01-31"`, or `"2030-01-31T23:59:59"` in UTC.
  fileprivate static func initialTime(_ value: LuaArgument) throws -> Int64 {
    switch value.value {
    case .integer(let seconds): return seconds
    case .number(let seconds) where seconds == seconds.rounded() && abs(seconds) < 1e15: return Int64(seconds)
    case .string:
      if let seconds = GuestClock.seconds(of: try value.string()) { return seconds }
    default: break
    }
    throw value.expected(#"seconds since 1970, "2030-01-31", or "2030-01-31T23:59:59""#)
  }
}

extension GuestFile {
  /// A host path, or `{content = …, mode = …}`.
  fileprivate init(path: [UInt8], _ value: LuaArgument) throws {
    guard case .table = value.value else {
      self.init(path: path, contents: .hostFile(try value.string()), mode: nil)
      return
    }
    let options = try value.options(known: ["content", "mode"])
    guard let content = options["content"] else {
      throw value.expected("a host path, or a table with 'content'")
    }
    let mode = try options["mode"]?.integer(in: 0...0o7777) ?? 0o644
    self.init(path: path, contents: .bytes(try content.bytes()), mode: UInt32(mode))
  }
}

extension Disk {
  /// A host path, or `{path = …, format = …, readonly = …, snapshot = …}`.
  fileprivate init(_ value: LuaArgument) throws {
    if case .string = value.value {
      self = .image(try value.string())
      return
    }
    let options = try value.options(known: ["path", "format", "readonly", "snapshot"])
    guard let path = options["path"] else { throw value.expected("a table with 'path'") }
    let format = try options["format"]?.string(oneOf: Disk.Format.allCases.map(\.rawValue))
    self = .image(
      try path.string(),
      format: format.flatMap(Disk.Format.init(rawValue:)) ?? .raw,
      readOnly: try options["readonly"]?.boolean() ?? false,
      discardsWrites: try options["snapshot"]?.boolean() ?? false
    )
  }
}
