import ProviumSystem

/// The rules of modprobe.d(5) in the root file system that a module folder belongs to, and the soft dependencies that
/// depmod(8) lists.
struct ModprobeConfiguration {
  private var aliases: [(pattern: String, module: String)] = []
  /// The modules whose own aliases are not used.
  private(set) var blacklist: Set<String> = []
  /// The modules that `install NAME /bin/true` or `/bin/false` keeps from being loaded.
  private(set) var disabled: Set<String> = []
  /// Parameters by module.
  private(set) var options: [String: [String]] = [:]
  private(set) var softDependencies: [String: SoftDependencies] = [:]
  /// Whether depmod's list of soft dependencies is there. Without it each module has to be read.
  private(set) var hasSoftDependencyList = false

  /// In the order of precedence: a file hides the files of its name in the folders after it.
  static let folders = [
    "etc/modprobe.d", "run/modprobe.d", "usr/local/lib/modprobe.d", "usr/lib/modprobe.d", "lib/modprobe.d",
  ]
  /// The folders of packages. The others of the host have its administrator's rules for the host itself.
  private static let packageFolders = ["usr/lib/modprobe.d", "lib/modprobe.d"]

  init() {}

  /// Reads the configuration that belongs to a module folder `ROOT/lib/modules/RELEASE` or `ROOT/usr/lib/modules/RELEASE`.
  /// A folder elsewhere has none.
  init(modules directory: String) {
    for path in Self.files(for: directory) {
      if let text = try? Files.readText(path) { add(text) }
    }
    if let text = try? Files.readText("\(directory)/modules.softdep") {
      hasSoftDependencyList = true
      add(text)
    }
  }

  /// In the order of their names.
  private static func files(for directory: String) -> [String] {
    guard let root = ModuleFolder.root(of: directory) else { return [] }
    var paths: [String: String] = [:]
    for folder in root.isEmpty ? packageFolders : folders {
      for name in (try? Files.list("\(root)/\(folder)")) ?? [] where name.hasSuffix(".conf") {
        if paths[name] == nil { paths[name] = "\(root)/\(folder)/\(name)" }
      }
    }
    return paths.sorted { $0.key < $1.key }.map(\.value)
  }

  /// Adds the rules of one file. A rule that modprobe(8) does not understand is skipped, as there.
  mutating func add(_ text: String) {
    for line in Self.lines(text) {
      let words = line.split(whereSeparator: \.isWhitespace)
      guard let command = words.first, words.count >= 2 else { continue }
      let name = ModuleName.normalized(words[1])
      switch command {
      case "alias" where words.count == 3: aliases.append((name, ModuleName.normalized(words[2])))
      case "blacklist": blacklist.insert(name)
      case "options": options[name, default: []] += words.dropFirst(2).map(String.init)
      case "softdep":
        let more = SoftDependencies(words.dropFirst(2).joined(separator: " "))
        softDependencies[name] = (softDependencies[name] ?? SoftDependencies()) + more
      case "install" where words.count == 3 && Self.refusals.contains(String(words[2])): disabled.insert(name)
      default: continue
      }
    }
  }

  private static let refusals: Set = [
    "/bin/true", "/bin/false", "/usr/bin/true", "/usr/bin/false", "true", "false",
  ]

  /// Without comments and empty lines. A line that ends with a backslash continues in the next one.
  private static func lines(_ text: String) -> [String] {
    var lines: [String] = []
    var open = ""
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasSuffix("\\") {
        open += line.dropLast() + " "
      } else {
        lines.append(open + line)
        open = ""
      }
    }
    return (lines + [open]).map(\.trimmed).filter { !$0.isEmpty && !$0.hasPrefix("#") }
  }

  /// The modules of a normalized name by `alias`.
  func modules(for name: String) -> [String] {
    aliases.filter { ModuleName.matches(name, pattern: $0.pattern) }.map(\.module)
  }
}
