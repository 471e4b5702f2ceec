import FoundationEssentials
package import ProviumMachine
import ProviumSystem

/// What is written down of a fixture that was built: what it came from, and what it must still look like.
package struct FixtureManifest: Sendable, Codable, Hashable {
  /// Of this layout; another is rebuilt.
  static let format = 1

  package var format = FixtureManifest.format
  package var name: String
  /// Absolute path of the script.
  package var source: String
  /// Tells builds apart: fixtures that start from this one are stale after a rebuild.
  package var key: String
  package var inputs: [FixtureInput]
  package var files: [FileFingerprint]
  package var snapshot: Snapshot
  package var profile: String
  /// Seconds since 1970.
  package var builtAt: Double
  /// Seconds that the build took.
  package var buildDuration: Double

  /// The first file that is not what it was, in words. Only `stat`s: quick enough for every use.
  package func firstAlteration(in folder: String) -> String? {
    for file in files {
      guard let now = try? FileFingerprint(file.name, in: folder) else { return "\(file.name) is missing" }
      if now.size != file.size { return "\(file.name) has \(now.size) bytes instead of \(file.size)" }
      if now != file { return "\(file.name) was altered" }
    }
    return nil
  }

  static func read(_ folder: String) throws -> FixtureManifest {
    let bytes = try Files.read("\(folder)/manifest.json")
    var manifest = try JSONDecoder().decode(FixtureManifest.self, from: Data(bytes))
    // The cache may have been moved as a whole.
    manifest.snapshot.folder = folder
    return manifest
  }

  func write(to folder: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try Files.replace("\(folder)/manifest.json", with: [UInt8](try encoder.encode(self)))
  }
}

extension FileFingerprint {
  init(_ name: String, in folder: String) throws {
    let facts = try FileFacts("\(folder)/\(name)")
    self.init(
      name: name,
      size: facts.size,
      inode: facts.inode,
      modifiedNanoseconds: facts.modifiedNanoseconds,
      changedNanoseconds: facts.changedNanoseconds
    )
  }
}
