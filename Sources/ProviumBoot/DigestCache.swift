import ProviumSystem

/// SHA-256 digests of files, kept in the cache under what `stat` says of the file, so that a kernel is hashed once and not at
/// each boot.
package struct DigestCache: Sendable {
  private let folder: String

  package init(folder: String) { self.folder = folder }

  /// SHA-256 in hex.
  package func digest(_ path: String) throws -> String {
    let facts = try FileFacts(path)
    // To read a small file takes no longer than to read the note.
    if facts.size < 64 << 10 { return try SHA256.hex(file: path) }
    let note = CacheNote("\(folder)/\(SHA256.hex(Array(path.utf8)).prefix(32))", key: "\(path) \(facts)")
    if let digest = note.value { return digest }
    let digest = try SHA256.hex(file: path)
    note.write(digest)
    return digest
  }
}
