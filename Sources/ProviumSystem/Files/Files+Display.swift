/// Paths as text: normal form, and the form that messages show.
extension Files {
  /// Removes `.`, `..` and doubled or trailing slashes from an absolute path. Does not resolve symbolic
  /// links.
  package static func normalize(_ path: String) -> String {
    var parts: [Substring] = []
    for part in path.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }

  /// Shortens a path for a message: relative to `directory` if it is below it, otherwise absolute.
  package static func display(_ path: String, from directory: String = Files.currentDirectory) -> String {
    path.hasPrefix(directory + "/") ? String(path.dropFirst(directory.count + 1)) : path
  }
}
