package import ProviumSystem

/// One file of a fixture's build, as it was published. A build's files are never written again.
package struct BuildFile: Sendable, Codable, Hashable {
  /// Relative to the build's folder.
  package let name: String
  /// Compared at each use: much cheaper than the contents. A write, a truncation or a copy over the file changes at least
  /// its change time, which no program can set.
  package let facts: FileFacts
  /// Of the contents (`Files.contentDigest`). Compared when `facts` differ: a file that was copied is not damaged.
  package let digest: String

  /// Reads the file. Blocks.
  init(_ name: String, in folder: String) throws {
    self.name = name
    facts = try FileFacts("\(folder)/\(name)")
    digest = try Files.contentDigest("\(folder)/\(name)")
  }

  private init(_ name: String, facts: FileFacts, digest: String) {
    self.name = name
    self.facts = facts
    self.digest = digest
  }

  /// What happened to a file since it was published.
  enum Verdict {
    case same
    /// Another file with the same contents: a copy, or a file restored from a backup.
    case copied(BuildFile)
    /// In words, for a warning.
    case damaged(String)
  }

  /// Compares the file in `folder` with what was published. Reads it only if its facts differ.
  func verdict(in folder: String) -> Verdict {
    let path = "\(folder)/\(name)"
    guard let now = try? FileFacts(path) else { return .damaged("\(name) is missing") }
    if now == facts { return .same }
    guard now.size == facts.size else {
      return .damaged("\(name) has \(now.size) bytes instead of \(facts.size)")
    }
    do {
      guard try Files.contentDigest(path) == digest else { return .damaged("\(name) was altered") }
    } catch { return .damaged("\(name) cannot be read: \(error)") }
    return .copied(BuildFile(name, facts: now, digest: digest))
  }
}
