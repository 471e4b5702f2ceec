import Glibc
import ProviumVM
import ProviumSystem

/// Where fixtures are kept between runs.
///
///     CACHE/fixtures/NAME-ID/manifest.json   what was built last; replaced as a whole
///     CACHE/fixtures/NAME-ID/BUILD/          memory, state and disks of one build, never written again
///     CACHE/fixtures/NAME-ID/building/       what is being built, or what a killed build left
///     CACHE/fixtures/NAME-ID.lock            held by whoever builds or removes; stays, see `FixtureStore+Lock`
///
/// ID is made from the script's path, BUILD from the build's key. Each build has a folder of its own, so that a process that
/// resumes from one never meets another's files; it holds the folder (`FixtureUse`), and nobody removes what is held.
package struct FixtureStore: Sendable {
  /// What stands at a fixture's place.
  package enum Kept: Sendable {
    /// Nothing, or nothing but what a killed build left.
    case nothing
    case fixture(FixtureManifest)
    /// Something that cannot be used, in words; `isDamage`: it was a fixture once, and people should know.
    case unusable(reason: String, isDamage: Bool)
  }

  package let folder: String
  /// Bytes above which least recently used fixtures leave.
  let maximum: UInt64
  static let buildingName = "building"

  package init(cache: String, maximum: UInt64) {
    folder = "\(cache)/fixtures"
    self.maximum = maximum
  }

  /// The folder of one fixture.
  func place(of fixture: LocatedFixture) -> String {
    // A name may say a folder (`net/base`), and be as long as a file's name; the store is flat, and needs room for the rest.
    let safe = String(
      fixture.name.prefix(100).map {
        $0.isASCII && ($0.isLetter || $0.isNumber) || "-_.".contains($0) ? $0 : "_"
      }
    )
    return "\(folder)/\(safe)-\(SHA256.hex(Array(fixture.source.utf8)).prefix(16))"
  }

  /// What a fixture's place calls it.
  static func name(at place: String) -> String {
    let folder = place.split(separator: "/").last.map(String.init) ?? place
    return folder.lastIndex(of: "-").map { String(folder[..<$0]) } ?? folder
  }

  package func kept(at place: String) -> Kept {
    do { return .fixture(try FixtureManifest.read(place)) } catch let error as FixtureManifest.OtherFormat {
      return .unusable(reason: "\(error)", isDamage: false)
    } catch {
      guard let names = try? Files.list(place) else {
        return Files.exists(place)
          ? .unusable(reason: "what stands in its place is no folder", isDamage: true) : .nothing
      }
      if Files.exists("\(place)/manifest.json") {
        return .unusable(reason: "manifest.json cannot be read: \(error)", isDamage: true)
      }
      return names == [Self.buildingName]
        ? .nothing : .unusable(reason: "manifest.json is missing", isDamage: true)
    }
  }

  /// What was built, if it can be read at all.
  package func manifest(at place: String) -> FixtureManifest? {
    if case .fixture(let manifest) = kept(at: place) { manifest } else { nil }
  }

  /// An empty folder to build in. What a killed build left there goes.
  package func workplace(for place: String) throws -> String {
    let work = "\(place)/\(Self.buildingName)"
    do {
      if !Files.isDirectory(place) { try Files.removeTree(place) }
      try Files.removeTree(work)
      try Files.createDirectories(place, mode: 0o700)
      try Files.createDirectories(work, mode: 0o700)
    } catch { throw FixtureError.store(path: folder, reason: "\(error)") }
    return work
  }

  /// Makes what was built in `work` the fixture at `place`: all of it is on the disk before the manifest names it.
  package func publish(_ manifest: FixtureManifest, from work: String, to place: String) throws
    -> FixtureManifest
  {
    var manifest = manifest
    for file in try Files.list(work) { try Files.sync("\(work)/\(file)") }
    manifest.files = try Files.list(work).map { try FileFingerprint($0, in: work) }
    manifest.snapshot.folder = manifest.folder(in: place)
    try Files.sync(work)
    try Files.rename(work, to: manifest.snapshot.folder)
    try Files.sync(place)
    do {
      try manifest.write(to: place)
      try Files.sync(place)
    } catch {
      try? Files.removeTree(manifest.snapshot.folder)
      throw error
    }
    return manifest
  }

  /// Notes that a fixture was used, for who leaves first.
  package func touch(_ place: String) { utimes("\(place)/manifest.json", nil) }

  /// Where there is something of a fixture, whole or not.
  package func places() -> [String] {
    ((try? Files.list(folder)) ?? []).filter { !$0.hasSuffix(".lock") }.map { "\(folder)/\($0)" }
  }

  /// Bytes on the disk.
  package static func size(_ path: String) -> UInt64 {
    guard Files.isDirectory(path) else { return Files.blocks(path) }
    return ((try? Files.list(path)) ?? []).reduce(0) { $0 + size("\(path)/\($1)") }
  }

  static func lastUse(_ place: String) -> Int64 {
    (try? FileFacts("\(place)/manifest.json").modifiedNanoseconds) ?? 0
  }
}
