import FoundationEssentials
package import ProviumVM
import ProviumSystem

/// The record of a fixture's build: its inputs, its files, and its snapshot. `manifest.json` in the fixture's folder.
package struct FixtureManifest: Sendable, Codable, Hashable {
  /// The version of this layout; a fixture with another one is rebuilt.
  static let format = 6

  package var format = FixtureManifest.format
  package var name: String
  /// Absolute path of the script.
  package var source: String
  /// The tests' root at the time of the build: fixture names in the script are resolved from there.
  package var root: String
  /// Random; identifies this build. A fixture that starts from this one is stale after a rebuild.
  package var buildID: String
  package var inputs: [FixtureInput]
  package var files: [BuildFile]
  /// Of a lab: that of its first VM, in the folder of the build.
  package var snapshot: Snapshot
  /// The VMs and networks of a lab; nil: the fixture is one VM.
  package var lab: SavedLab?
  package var profile: String
  /// The provium.toml that defines its profiles and fixture folders; empty: there was none.
  package var project: String
  /// Seconds since 1970.
  package var builtAt: Double
  /// Seconds that the build took.
  package var buildDuration: Double
  /// SHA-256 of all other values.
  package var sum = ""

  /// The folder of this build, inside the fixture's folder.
  func folder(in place: String) -> String { "\(place)/\(buildID.prefix(16))" }

  /// Where the script looks up the fixtures that it starts from.
  var search: FixtureSearch { FixtureSearch(folder: Files.parent(of: source), root: root) }

  /// Returns a new random build ID: 64 hexadecimal digits.
  static func newBuildID() -> String {
    SHA256.hex((0..<32).map { _ in UInt8.random(in: 0 ... .max) })
  }

  // MARK: On the disk

  /// A manifest of another version of Provium.
  struct OtherFormat: Error, CustomStringConvertible {
    let format: Int
    var description: String {
      "another version of Provium kept it (format \(format) instead of \(FixtureManifest.format))"
    }
  }
  private struct Header: Codable { let format: Int }

  /// The file is not as this build of Provium writes it.
  struct Malformed: Error, CustomStringConvertible {
    var description: String { "it is damaged, or another build of Provium wrote it" }
  }

  /// Reads `manifest.json` of the fixture's folder.
  /// - Throws: `OtherFormat`, `Malformed`, or `SystemError`.
  static func read(_ place: String) throws -> FixtureManifest {
    let data = Data(try Files.read("\(place)/manifest.json"))
    var manifest: FixtureManifest
    do {
      let format = try JSONDecoder().decode(Header.self, from: data).format
      guard format == FixtureManifest.format else { throw OtherFormat(format: format) }
      manifest = try JSONDecoder().decode(FixtureManifest.self, from: data)
    } catch is DecodingError {
      throw Malformed()
    }
    guard manifest.sum == manifest.computedSum() else { throw Malformed() }
    // The cache may have been moved since it was written.
    manifest.snapshot.folder = manifest.folder(in: place)
    return manifest
  }

  /// Over all other values: an edited value would resume another VM from the same files.
  private func computedSum() -> String {
    var bare = self
    bare.sum = ""
    // Not part of the sum: a moved cache has another folder.
    bare.snapshot.folder = ""
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return ((try? encoder.encode(bare)).map { SHA256.hex([UInt8]($0)) }) ?? ""
  }

  /// Replaces `manifest.json` in the fixture's folder as a whole. The caller holds the fixture's lock.
  func write(to place: String) throws {
    var summed = self
    summed.sum = computedSum()
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try Files.replace("\(place)/manifest.json", with: [UInt8](try encoder.encode(summed)))
  }
}
