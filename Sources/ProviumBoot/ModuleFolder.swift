import ProviumSystem

/// The place of a folder of modules in a root file system.
enum ModuleFolder {
  /// Returns `/srv/guest` of `/srv/guest/lib/modules/6.1.0`, empty for the host's own; nil for a folder of another form.
  static func root(of directory: String) -> String? {
    let parts = Files.normalize(directory).split(separator: "/")
    guard directory.hasPrefix("/"), parts.count >= 3, parts.dropLast().suffix(2) == ["lib", "modules"] else {
      return nil
    }
    let above = parts.dropLast(3)
    return (above.last == "usr" ? above.dropLast() : above).map { "/\($0)" }.joined()
  }
}
