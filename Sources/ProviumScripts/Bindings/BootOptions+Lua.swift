import ProviumBoot
import ProviumLua
import ProviumRuntime
import ProviumSystem
import ProviumVM

extension BootOptions {
  static let known = ["memory", "cpus", "files", "disks", "append", "boot_timeout"]

  /// - Parameter folder: the folder that relative host paths start from: that of `provium.toml`.
  init(_ options: LuaOptions, folder: String) throws {
    self.init()
    if let memory = options["memory"] {
      self.memory = try memory.size()
      guard self.memory >= 64 << 20, self.memory % (1 << 20) == 0 else {
        throw memory.expected("at least 64M, in whole megabytes")
      }
    }
    if let cpus = options["cpus"] { self.cpus = Int(try cpus.integer(in: 1...255)) }
    append = try options["append"]?.string() ?? ""
    timeout = try options["boot_timeout"]?.duration()
    if let files = options["files"] { self.files = try Self.files(files, folder: folder) }
    disks = try options["disks"]?.list().map { try Self.disk($0, folder: folder) } ?? []
  }

  private static func files(_ table: LuaArgument, folder: String) throws -> [GuestPath: InjectedFile] {
    var files: [GuestPath: InjectedFile] = [:]
    for (name, value) in try table.entries() {
      let path: GuestPath
      do { path = try GuestPath(name) } catch { throw value.refused("\(error)") }
      guard files.updateValue(try file(value, folder: folder), forKey: path) == nil else {
        throw value.refused("is the same file as another one of them (\(path))")
      }
      // Sorted by name, so what would be the directory comes first.
      if let above = path.fileAbove(among: files.keys) {
        throw value.refused("lies below \(above), which is to be a file")
      }
    }
    return files
  }

  private static func file(_ value: LuaArgument, folder: String) throws -> InjectedFile {
    if case .table = value.value {
      let options = try value.options(known: ["content", "mode"])
      guard let content = options["content"] else {
        throw value.expected("a host path, or a table with 'content'")
      }
      let mode = try options["mode"]?.integer(in: 0...0o7777) ?? 0o644
      return .contents(try content.bytes(), mode: UInt32(mode))
    }
    let path = Files.resolve(try value.string(), against: folder)
    guard Files.exists(path) else { throw value.expected("a host file that exists (looked for \(path))") }
    guard Files.isRegularFile(path) else {
      throw value.expected(
        "a regular host file (\(path) is \(Files.isDirectory(path) ? "a directory" : "none"))"
      )
    }
    return .host(path: path)
  }

  private static func disk(_ value: LuaArgument, folder: String) throws -> DiskOptions {
    if case .string = value.value { return try disk(path: value, folder: folder) }
    let options = try value.options(known: ["path", "format", "readonly", "snapshot"])
    guard let path = options["path"] else { throw value.expected("a table with 'path'") }
    var disk = try disk(path: path, folder: folder)
    if let format = options["format"] { disk.format = try format.string(oneOf: ["raw", "qcow2"]) }
    disk.isReadOnly = try options["readonly"]?.boolean() ?? false
    disk.isSnapshot = try options["snapshot"]?.boolean() ?? false
    return disk
  }

  private static func disk(path: LuaArgument, folder: String) throws -> DiskOptions {
    let resolved = Files.resolve(try path.string(), against: folder)
    guard Files.exists(resolved) else {
      throw path.expected("a disk image that exists (looked for \(resolved))")
    }
    guard !Files.isDirectory(resolved) else {
      throw path.expected("a disk image (\(resolved) is a directory)")
    }
    return DiskOptions(path: resolved)
  }
}
