import Glibc

/// Names of modules and aliases, compared as modprobe(8) compares them: `-` and `_` are the same.
enum ModuleName {
  /// `virtio_pci` for `kernel/drivers/virtio/virtio-pci.ko.xz`
  static func of(path: some StringProtocol) -> String {
    let file = path.lastIndex(of: "/").map { path[path.index(after: $0)...] } ?? path[...]
    return normalized(file.prefix { $0 != "." })
  }

  /// Replaces each `-` by `_`, except in a pattern's brackets, where it is a range.
  static func normalized(_ name: some StringProtocol) -> String {
    var isInBrackets = false
    return String(
      name.map { character in
        if character == "[" { isInBrackets = true }
        if character == "]" { isInBrackets = false }
        return character == "-" && !isInBrackets ? "_" : character
      }
    )
  }

  /// Whether a normalized name matches a normalized pattern of the shell.
  static func matches(_ name: String, pattern: String) -> Bool {
    guard pattern.contains(where: { "*?[\\".contains($0) }) else { return name == pattern }
    return fnmatch(pattern, name, 0) == 0
  }
}
