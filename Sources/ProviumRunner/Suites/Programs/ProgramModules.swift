import ProviumAgentClient
import ProviumBoot
import ProviumRuntime
import ProviumSystem

/// The modules of the kernel that the programs of a tree load with modprobe(8), or whose drivers the kernel requests for them.
struct ProgramModules: Sendable {
  /// The names of modules, without those that they need, sorted.
  let names: [String]

  /// - Parameter available: the names of the kernel's modules.
  init(_ tree: ProgramTree, _ contents: TreeContents, available: Set<String>) throws {
    guard case .selftests = tree else {
      names = []
      return
    }
    var found: Set<String> = []
    for (path, entry) in contents.entries {
      guard case .file(_, let size, _) = entry, size > 0 else { continue }
      let host = "\(tree.path)/\(path)"
      if path.hasSuffix("/config") {
        let options = KernelOptions.fragment(try Files.readText(host)).filter {
          $0.value == "m" || $0.value == "y"
        }
        found.formUnion(options.flatMap { Self.modules(of: $0) })
      } else if try Files.readHead(host, 2) == Array("#!".utf8) {
        found.formUnion(Self.words(of: String(decoding: try Files.read(host), as: UTF8.self)))
      }
    }
    names = found.intersection(available).sorted()
  }

  /// The names that the module of an option may have. The make files of the kernel's sources, which an install tree lacks, tell which
  /// it is: most modules are called as their option (`CONFIG_TEST_SYSCTL`), or as the option without the name of its menu.
  static func modules(of option: KernelOption) -> [String] {
    let name = option.name.lowercased().replacingPrefix("config_", with: "")
    let shorter = ["net_", "crypto_", "blk_dev_"].filter(name.hasPrefix).map {
      String(name.dropFirst($0.count))
    }
    let match = ["netfilter_xt_match_", "netfilter_xt_target_"].filter(name.hasPrefix).map {
      "xt_\(name.dropFirst($0.count))"
    }
    return [name] + shorter + match
  }

  /// The words of a script's lines about modules: `modprobe -q test_static_key_base`, `module.sh "bitmap" test_bitmap`.
  static func words(of script: String) -> Set<String> {
    var words: Set<String> = []
    for line in script.split(separator: "\n") where line.contains("mod") {
      for word in line.split(whereSeparator: { !isNameCharacter($0) }) {
        words.insert(String(word).replacing("-", with: "_"))
      }
    }
    return words
  }

  private static func isNameCharacter(_ character: Character) -> Bool {
    character.isASCII && (character.isLetter || character.isNumber) || character == "_" || character == "-"
  }

  // MARK: In the guest

  /// Copies the modules, and those that they need, into the guest's folder of modules. Those that it has stay.
  /// - Parameter tree: the modules of the guest's kernel.
  /// - Returns: the host files of the copied modules.
  func copy(from tree: ModuleTree, to machine: Machine) throws -> [String] {
    guard !names.isEmpty else { return [] }
    let release = try machine.perform("reading the kernel's release", allowance: .zero) {
      String(decoding: try $0.readFile("/proc/sys/kernel/osrelease", until: $1), as: UTF8.self).trimmed
    }
    let folder = "/lib/modules/\(release)"
    try machine.perform("making \(folder)", allowance: .zero) {
      try $0.makeDirectories(ByteString(folder), until: $1)
    }
    let present = Set(
      try read("\(folder)/modules.dep", in: machine).split(separator: "\n").map { Self.module($0) }
    )
    var copied: [String] = [], needs = "", aliases = ""
    // A module whose needs are not there is of no use: a program that asks for it says so.
    let order = names.flatMap { (try? tree.loadOrder([$0])) ?? [] }.uniqued()
    for name in order where !present.contains(name) {
      guard let path = tree.path(of: name) else { continue }
      try write(try tree.contents(of: name), to: "\(folder)/\(name).ko", in: machine)
      copied.append("\(tree.directory)/\(path)")
      let needed = try tree.loadOrder([name]).filter { $0 != name }.reversed()
      needs += "\(name).ko: \(needed.map { "\($0).ko" }.joined(separator: " "))\n"
      aliases += try tree.aliases(of: name).map { "alias \($0) \(name)\n" }.joined()
    }
    guard !copied.isEmpty else { return [] }
    for (list, lines) in [("modules.dep", needs), ("modules.alias", aliases)] {
      let path = "\(folder)/\(list)"
      try write(Array((try read(path, in: machine) + lines).utf8), to: path, in: machine)
    }
    try makeLoadable(in: machine)
    return copied
  }

  private func read(_ path: String, in machine: Machine) throws -> String {
    try machine.perform("reading \(path)", allowance: .zero) { connection, deadline in
      guard try connection.exists(ByteString(path), until: deadline) else { return "" }
      return String(
        decoding: try connection.readFile(ByteString(path), limit: 64 << 20, until: deadline),
        as: UTF8.self
      )
    }
  }

  private func write(_ contents: [UInt8], to path: String, in machine: Machine) throws {
    try machine.perform("copying \(path)", allowance: .zero) {
      try $0.writeFile(ByteString(path), contents, mode: 0o644, until: $1)
    }
  }

  /// Makes modprobe(8) find the modules.
  private func makeLoadable(in machine: Machine) throws {
    let result = try machine.perform("preparing modprobe", allowance: .zero) {
      try $0.exec(ByteString("\(Self.index)\n\(Self.dryRuns)"), until: $1)
    }
    guard result.isSuccess else {
      throw ProviumError(
        .startFailed,
        "the guest's modprobe cannot be prepared: \(result.standardError.text.trimmed)"
      )
    }
  }

  /// The modprobe of kmod reads only the lists that its depmod(8) makes of the others.
  private static let index =
    #"! command -v depmod >/dev/null || readlink -f "$(command -v depmod)" | grep -q busybox || depmod -a"#

  /// The kernel and kselftest/module.sh look for modprobe in /sbin, and the latter asks with `-n` whether a module is there, which the
  /// one of busybox does not know: `-D` tells it.
  private static let dryRuns = """
    real=$(command -v modprobe) || exit 0
    own=$(readlink -f /sbin/modprobe)
    # A link to busybox must not be written through.
    case $own in */busybox) real="$own modprobe"; rm /sbin/modprobe ;; esac
    [ -e /sbin/modprobe ] || { mkdir -p /sbin; cat > /sbin/modprobe <<END
    #!/bin/sh
    count=\\$# dry=
    while [ \\$count -gt 0 ]; do
      word=\\$1; shift; count=\\$((count - 1))
      case \\$word in -n|--dry-run) dry=1 ;; *) set -- "\\$@" "\\$word" ;; esac
    done
    [ -z "\\$dry" ] || exec $real -D "\\$@" >/dev/null
    exec $real "\\$@"
    END
    chmod 755 /sbin/modprobe; }
    """

  /// The name of the module of a line of modules.dep: `kernel/fs/ext4/ext4.ko.xz: kernel/fs/jbd2/jbd2.ko.xz`.
  private static func module(_ line: Substring) -> String {
    let path = line.prefix { $0 != ":" }
    let file = path.lastIndex(of: "/").map { path[path.index(after: $0)...] } ?? path
    return String(file.prefix { $0 != "." }).replacing("-", with: "_")
  }
}
