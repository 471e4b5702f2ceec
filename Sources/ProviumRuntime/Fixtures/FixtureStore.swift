import Glibc
import ProviumVM
import ProviumSystem

/// The fixtures that are kept between runs.
///
///     CACHE/fixtures/NAME-ID/manifest.json   the record of the last build; replaced as a whole
///     CACHE/fixtures/NAME-ID/BUILD/          memory, state and disks of one build, never written again
///     CACHE/fixtures/NAME-ID/building/       the build in progress, or the rest of a killed build
///     CACHE/fixtures/NAME-ID.lock            held while a process builds or removes the fixture; see `FixtureStore+Lock`
///
/// NAME and ID are made from the script's path and the kernel of `--kernel`, BUILD from the build ID. Each build has a folder of its own, so that a
/// process that resumes from one build never opens another's files. The process holds that folder (`FixtureHold`); a held
/// folder is not removed.
package struct FixtureStore: Sendable {
  /// The content of a fixture's folder.
  package enum Kept: Sendable {
    /// Nothing, or the rest of a killed build.
    case nothing
    case fixture(FixtureManifest)
    /// Nothing usable. `isDamage`: it was a fixture once, so users are warned.
    case unusable(reason: String, isDamage: Bool)
  }

  package let folder: String
  /// Bytes above which the least recently used fixtures are removed.
  let maximum: UInt64
  static let buildingName = "building"

  /// The kernel of `--kernel`: fixtures are kept for each kernel. nil: without that option.
  private let kernel: String?
  let cache: String

  package init(cache: String, maximum: UInt64, kernel: String? = nil) {
    self.kernel = kernel
    self.cache = cache
    folder = "\(cache)/fixtures"
    self.maximum = maximum
  }

  /// The folder of one fixture.
  func place(of fixture: Fixture) -> String {
    let file = fixture.source.split(separator: "/").last ?? ""
    let identity = fixture.source + (kernel.map { "\0\($0)" } ?? "") + (fixture.isLab ? "\0lab" : "")
    let safe = SafeFileName.make(file.hasSuffix(".lua") ? file.dropLast(4) : file)
    return "\(folder)/\(safe)-\(SHA256.hex(Array(identity.utf8)).prefix(16))"
  }

  /// The name in a fixture's folder name.
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
          ? .unusable(reason: "a file is in the place of its folder", isDamage: true) : .nothing
      }
      if Files.exists("\(place)/manifest.json") {
        return .unusable(reason: "manifest.json cannot be read: \(error)", isDamage: true)
      }
      return names == [Self.buildingName]
        ? .nothing : .unusable(reason: "manifest.json is missing", isDamage: true)
    }
  }

  /// The last build, if its manifest can be read.
  package func manifest(at place: String) -> FixtureManifest? {
    if case .fixture(let manifest) = kept(at: place) { manifest } else { nil }
  }

  /// Returns an empty folder to build in. Removes the rest of a killed build. The caller holds the fixture's lock.
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

  /// Makes the build in `work` the fixture at `place`: everything is on the disk before the manifest names it. The caller
  /// holds the fixture's lock.
  package func publish(_ manifest: FixtureManifest, from work: String, to place: String) throws
    -> FixtureManifest
  {
    var manifest = manifest
    for file in try Files.list(work) { try Files.sync("\(work)/\(file)") }
    let files = try Self.files(in: work)
    for file in files { try Files.sync("\(work)/\(file)") }
    manifest.files = try files.map { try BuildFile($0, in: work) }
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

  /// The names of the files in a folder, and of those in its folders: a lab has one for each VM.
  private static func files(in folder: String) throws -> [String] {
    try Files.list(folder).flatMap { name in
      Files.isDirectory("\(folder)/\(name)")
        ? try Files.list("\(folder)/\(name)").map { "\(name)/\($0)" } : [name]
    }
  }

  /// Keeps a manifest whose files were verified after a copy. The caller holds the fixture's lock.
  func update(_ manifest: FixtureManifest, at place: String) throws { try manifest.write(to: place) }

  /// Notes that a fixture was used: the least recently used ones are removed first.
  package func touch(_ place: String) { utimes("\(place)/manifest.json", nil) }

  /// The folders of all fixtures, whole or not.
  package func places() -> [String] {
    ((try? Files.list(folder)) ?? []).filter { !$0.hasSuffix(".lock") }.map { "\(folder)/\($0)" }
  }

  /// The bytes that a file or folder takes on the disk.
  package static func size(_ path: String) -> UInt64 {
    guard Files.isDirectory(path) else { return Files.blocks(path) }
    return ((try? Files.list(path)) ?? []).reduce(0) { $0 + size("\(path)/\($1)") }
  }

  static func lastUse(_ place: String) -> Int64 {
    (try? FileFacts("\(place)/manifest.json").modifiedNanoseconds) ?? 0
  }
}
