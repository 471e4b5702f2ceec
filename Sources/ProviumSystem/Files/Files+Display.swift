/// Paths as text: normal form, and the form that messages show.
extension Files {
  /// Removes `.`, `..` and doubled or trailing slashes from an absolute path. Does not resolve symbolic links.
  package static func normalize(_ path: String) -> String {
    var parts: [Substring.UTF8View] = []
    // Bytes, not characters: a combining mark after a slash makes one character of both.
    for part in path.utf8.split(separator: UInt8(ascii: "/")) where !part.elementsEqual(".".utf8) {
      if part.elementsEqual("..".utf8) { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.map { String(Substring($0)) }.joined(separator: "/")
  }

  /// Returns `path` relative to `directory` if it is below it, otherwise unchanged.
  package static func relative(_ path: String, to directory: String) -> String {
    let prefix = directory.utf8.last == UInt8(ascii: "/") ? directory : directory + "/"
    guard path.utf8.starts(with: prefix.utf8) else { return path }
    return String(Substring(path.utf8.dropFirst(prefix.utf8.count)))
  }

  /// Returns a path as messages show it: relative to `directory` if it is below it, and with `\xFF` for bytes that are not
  /// UTF-8.
  package static func display(_ path: String, from directory: String = Files.currentDirectory) -> String {
    PathText.visible(relative(path, to: directory))
  }
}
