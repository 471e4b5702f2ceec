import FoundationEssentials
package import ProviumVM
import ProviumSystem

/// What is written down of a fixture that was built: what it came from, and what it must still look like.
package struct FixtureManifest: Sendable, Codable, Hashable {
  /// Of this layout; another is rebuilt.
  static let format = 3

  package var format = FixtureManifest.format
  package var name: String
  /// Absolute path of the script.
  package var source: String
  /// The tests' root when it was built: names of fixtures in its script mean what they meant from there.
  package var root: String
  /// Tells builds apart: fixtures that start from this one are stale after a rebuild.
  package var key: String
  package var inputs: [FixtureInput]
  package var files: [FileFingerprint]
  package var snapshot: Snapshot
  package var profile: String
  /// The provium.toml that says what its profiles are; empty: none, all is built in.
  package var project: String
  /// Seconds since 1970.
  package var builtAt: Double
  /// Seconds that the build took.
  package var buildDuration: Double
  /// SHA-256 of all the rest.
  package var sum = ""

  /// Of one build, at a fixture's place.
  func folder(in place: String) -> String { "\(place)/\(key.prefix(16))" }

  /// The script, as a file that asks for the fixtures it starts from.
  var script: TestFile { TestFile(name: Files.display(source), path: source, root: root) }

  /// The first file that is not what it was, in words. Only `stat`s: quick enough for every use, and no way of writing to a
  /// file leaves its change time alone.
  package func firstAlteration() -> String? {
    let folder = snapshot.folder
    for file in files {
      guard let now = try? FileFingerprint(file.name, in: folder) else { return "\(file.name) is missing" }
      if now.size != file.size { return "\(file.name) has \(now.size) bytes instead of \(file.size)" }
      if now != file { return "\(file.name) was altered" }
    }
    return nil
  }

  /// A manifest of another version of Provium.
  struct OtherFormat: Error, CustomStringConvertible {
    let format: Int
    var description: String {
      "another version of Provium kept it (format \(format) instead of \(FixtureManifest.format))"
    }
  }
  private struct Header: Codable { let format: Int }

  /// - Throws: `OtherFormat`, or what is wrong with the file.
  static func read(_ place: String) throws -> FixtureManifest {
    let data = Data(try Files.read("\(place)/manifest.json"))
    let manifest: FixtureManifest
    do {
      let format = try JSONDecoder().decode(Header.self, from: data).format
      guard format == FixtureManifest.format else { throw OtherFormat(format: format) }
      manifest = try JSONDecoder().decode(FixtureManifest.self, from: data)
    } catch is DecodingError {
      throw Malformed()
    }
    guard manifest.sum == manifest.computedSum() else { throw Malformed() }
    var placed = manifest
    // The cache may have been moved as a whole.
    placed.snapshot.folder = manifest.folder(in: place)
    return placed
  }

  /// Not what was written.
  struct Malformed: Error, CustomStringConvertible {
    var description: String { "it is not what Provium wrote" }
  }

  /// Over everything else in the manifest: a value that somebody changed would make another machine of the same files.
  private func computedSum() -> String {
    var bare = self
    bare.sum = ""
    // Only the key tells where the files are.
    bare.snapshot.folder = ""
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return ((try? encoder.encode(bare)).map { SHA256.hex([UInt8]($0)) }) ?? ""
  }

  func write(to folder: String) throws {
    var summed = self
    summed.sum = computedSum()
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try Files.replace("\(folder)/manifest.json", with: [UInt8](try encoder.encode(summed)))
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
