import ProviumArchitecture
import ProviumBoot
import ProviumSystem
import ProviumVM
internal import TOMLKit

/// Finds, parses and checks `provium.toml`.
package enum ConfigurationFile {
  package static let name = "provium.toml"

  /// Reads the nearest `provium.toml` at or above `directory`; gives the built-in configuration if there is none.
  /// - Parameter kernel: see `load`.
  package static func find(
    from directory: String = Files.currentDirectory,
    kernel: String? = nil
  ) throws -> Configuration {
    var folder = directory
    while true {
      let candidate = folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
      if Files.exists(candidate) { return try load(candidate, kernel: kernel) }
      let above = Files.parent(of: folder)
      if above.isEmpty || above == folder {
        var configuration = Configuration(root: directory)
        configuration.kernel = self.kernel(kernel)
        return configuration
      }
      folder = above
    }
  }

  /// Reads and checks one file.
  /// - Parameter kernel: a kernel for the profiles that name none, as `KernelName` reads it; nil: `PROVIUM_KERNEL`. A path
  ///   starts at the current directory.
  package static func load(_ path: String, kernel: String? = nil) throws -> Configuration {
    let text: String
    do { text = try Files.readText(path) } catch let error as SystemError {
      throw ConfigurationError.unreadable(path: path, reason: "\(error)")
    }
    var configuration = try parse(text, path: path)
    configuration.kernel = self.kernel(kernel)
    return configuration
  }

  private static func kernel(_ given: String?) -> String? {
    (given ?? Environment["PROVIUM_KERNEL"]).map { KernelName.resolve($0, against: Files.currentDirectory) }
  }

  /// Parses the text of a file with that path. Reads nothing.
  package static func parse(_ text: String, path: String) throws -> Configuration {
    let table: TOMLTable
    do { table = try TOMLTable(string: text) } catch let error as TOMLParseError {
      let begin = error.source.begin
      throw ConfigurationError.syntax(
        path: path,
        line: begin.line,
        column: begin.column,
        message: error.description
      )
    }
    let reader = TableReader(path: path, lines: KeyLines(text), table: table, name: "")
    try reader.checkKeys(["provium", "profile", "profiles", "suite", "matrix", "known"])
    var configuration = Configuration(root: Files.parent(of: path), path: path)
    if let provium = try reader.table("provium") {
      configuration.settings = try settings(provium, root: configuration.root)
    }
    for plural in ["profile", "profiles"] {
      guard let profiles = try reader.table(plural) else { continue }
      for name in profiles.keys {
        guard let one = try profiles.table(name) else { continue }
        guard configuration.profiles[name] == nil else {
          throw profiles.bad(
            name,
            given: "a second profile of that name (beside [profile.\(name)])",
            accepted: "named once"
          )
        }
        configuration.profiles[name] = try profile(one, name: name, root: configuration.root)
      }
    }
    configuration.suites = try suites(reader, root: configuration.root)
    if let matrix = try reader.table("matrix") {
      configuration.matrix = try self.matrix(matrix, root: configuration.root)
    }
    configuration.knownFailures = try knownFailures(reader)
    return configuration
  }

  private static func matrix(_ table: TableReader, root: String) throws -> [MatrixKernel] {
    try table.checkKeys(["kernels"])
    let names = try table.strings("kernels")
    guard !names.isEmpty, !names.contains("") else {
      throw table.bad(
        "kernels",
        given: names.isEmpty ? "empty or missing" : "a list with an empty string",
        accepted: "a list of kernels such as [\"deb:6.1\", \"deb:6.12\"]"
      )
    }
    let kernels = names.map { MatrixKernel($0, against: root) }
    for (number, kernel) in kernels.enumerated()
    where kernels[..<number].contains(where: { $0.name == kernel.name }) {
      throw table.bad(
        "kernels",
        given: "a list with \(kernel.label) twice",
        accepted: "a list of different kernels"
      )
    }
    return kernels
  }

  private static func settings(_ table: TableReader, root: String) throws -> Settings {
    try table.checkKeys([
      "tests", "fixtures", "cache", "cache_max", "timeout", "boot_timeout", "op_timeout",
      "timeout_multiplier", "spares", "allow_splats", "keep_failed", "keep_max",
    ])
    var settings = Settings()
    settings.tests = try table.strings("tests").map { Files.resolve($0, against: root) }
    settings.fixtureFolders = try table.strings("fixtures").map {
      guard !$0.isEmpty else {
        throw table.bad("fixtures", given: "a list with an empty string", accepted: "a list of folders")
      }
      return Files.normalize(Files.resolve($0, against: root))
    }
    if let cache = try table.path("cache", root: root) { settings.cache = cache }
    if let size = try table.bytes("cache_max") { settings.cacheMaximum = size }
    if let timeout = try table.duration("timeout") { settings.timeout = timeout }
    if let timeout = try table.duration("boot_timeout") { settings.bootTimeout = timeout }
    if let timeout = try table.duration("op_timeout") { settings.operationTimeout = timeout }
    settings.timeoutMultiplier = try table.number(
      "timeout_multiplier",
      in: Settings.timeoutMultipliers,
      accepted: Settings.acceptedTimeoutMultiplier
    )
    settings.warmVMs = try table.count("spares")
    if let kept = try table.flagOrCount("keep_failed", on: Settings.usualKeptFailures) {
      settings.keptFailures = kept
    }
    if let size = try table.bytes("keep_max") { settings.keptMaximum = size }
    settings.allowedSplats = try table.strings("allow_splats")
    return settings
  }

  private static func profile(_ table: TableReader, name: String, root: String) throws -> Profile {
    try table.checkKeys([
      "kernel", "initrd", "rootfs", "init", "append", "modules", "arch", "userland", "root", "share",
      "packages",
    ])
    var profile = Profile(name: name)
    if let kernel = try table.string("kernel") {
      guard !kernel.isEmpty else {
        throw table.bad("kernel", given: "empty", accepted: "a path or a name such as \"deb:6.1\"")
      }
      profile.kernel = KernelName.resolve(kernel, against: root)
    }
    if let userland = try table.string("userland") {
      guard ["busybox", "debian"].contains(userland) else {
        throw table.bad("userland", given: "\"\(userland)\"", accepted: "\"busybox\" or \"debian\"")
      }
      profile.wantsUserland = true
      if userland == "busybox", table.keys.contains("packages") {
        throw table.bad("packages", given: "beside \"busybox\"", accepted: "used with userland = \"debian\"")
      }
      if userland == "debian" { profile.packages = [] }
    }
    if profile.packages != nil || table.keys.contains("packages") { profile.packages = try packages(table) }
    profile.initrd = try table.path("initrd", root: root)
    profile.rootfs = try table.path("rootfs", root: root)
    profile.modules = try table.path("modules", root: root)
    profile.initProgram = try table.string("init")
    profile.append = try table.string("append")
    profile.root = try table.path("root", root: root)
    if profile.packages != nil, profile.root != nil {
      throw table.bad(
        "root",
        given: "beside userland = \"debian\"",
        accepted: "left out: the packages are the root"
      )
    }
    profile.shares = try table.table("share").map { try shares($0, root: root) } ?? []
    if let architecture = try table.string("arch") {
      guard let known = Architecture(named: architecture) else {
        let accepted = Architecture.all.map { "\"\($0.name)\"" }.joined(separator: " or ")
        throw table.bad("arch", given: "\"\(architecture)\"", accepted: accepted)
      }
      profile.architecture = known
    }
    if profile.kernel == nil, profile.architecture == nil, name != Profile.builtIn.name {
      throw ConfigurationError.missingKey(
        path: table.path,
        line: table.line,
        table: table.name,
        key: "kernel"
      )
    }
    return profile
  }

  private static func packages(_ table: TableReader) throws -> [String] {
    let names = try table.strings("packages")
    if let wrong = names.first(where: { !DebianPackages.isName($0) }) {
      throw table.bad("packages", given: "'\(wrong)'", accepted: "a list of names of Debian packages")
    }
    return names
  }

  /// `[profile.NAME.share]`: `"/src" = "~/linux"`, or a table with `path`.
  private static func shares(_ table: TableReader, root: String) throws -> [SharedFolder] {
    try table.keys.map { place in
      guard let options = try? table.table(place) else {
        return SharedFolder(try table.path(place, root: root) ?? "", at: place)
      }
      try options.checkKeys(["path", "owner", "one_file_system"])
      guard let folder = try options.path("path", root: root) else {
        throw options.bad("path", given: "nothing", accepted: "a folder of the host")
      }
      var share = SharedFolder(folder, at: place)
      let owner = try options.string("owner") ?? "root"
      guard ["root", "host"].contains(owner) else {
        throw options.bad("owner", given: "\"\(owner)\"", accepted: "\"root\" or \"host\"")
      }
      share.keepsOwners = owner == "host"
      share.isOneFileSystem = try options.boolean("one_file_system") ?? false
      return share
    }
  }
}
