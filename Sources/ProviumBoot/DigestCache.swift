import ProviumSystem

/// Content keys of files, remembered by what `stat` says of them: a kernel is hashed once, not at each boot.
package struct DigestCache: Sendable {
  private let folder: String

  package init(folder: String) { self.folder = folder }

  /// SHA-256 in hex.
  package func digest(_ path: String) throws -> String {
    let facts = try FileFacts(path)
    // Small files are as quick to read as the note of them.
    if facts.size < 64 << 10 { return try SHA256.hex(file: path) }
    let identity = "\(path) \(facts)"
    let note = "\(folder)/\(SHA256.hex(Array(path.utf8)).prefix(32))"
    let lines = ((try? Files.readText(note)) ?? "").split(separator: "\n")
    if lines.count == 2, lines[0] == identity { return String(lines[1]) }
    let digest = try SHA256.hex(file: path)
    try? Files.createDirectories(folder)
    try? Files.replace(note, with: Array("\(identity)\n\(digest)\n".utf8))
    return digest
  }
}
