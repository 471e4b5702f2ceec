import ProviumArchitecture
import ProviumBoot
import ProviumShare
import ProviumSystem

/// The roots of guests that Provium makes from archives and packages. They are made once and only read afterwards.
///
///     CACHE/roots/KEY/tree          the files
///     CACHE/roots/KEY/attributes    owners and the like, see `AttributeIndex`
///     CACHE/roots/KEY/size          bytes on the disk
///     CACHE/roots/KEY.lock          held by the process that makes or removes it; never removed, as those of fixtures
///     CACHE/roots/packages/…        notes of the versions that names of packages stand for, and apt's state
///
/// Safe to share between processes. Blocks while a root is made. `KeptRoot` removes roots; the time of modification of KEY is that of
/// the last use.
struct RootCache {
  /// Changes with the way that roots are made, and packages are found.
  private static let version = 1

  let cache: String
  let architecture: Architecture

  private var folder: String { "\(cache)/roots" }
  /// The architecture in the names of Debian and of container images.
  private var platform: String { architecture.debianName }

  /// Returns the share with the folder that has its files.
  /// - Parameters:
  ///   - progress: told what takes time.
  ///   - digest: returns the digest of a file's contents.
  func prepare(_ share: SharedFolder, progress: (String) -> Void, digest: (String) throws -> String) throws
    -> SharedFolder
  {
    do {
      var share = share
      if let packages = share.packages {
        share.unpacked = try prepare(packages: packages, progress: progress)
      } else if share.isArchive {
        let contents = try digest(RootArchive.identity(share.folder))
        let place = place("archive \(contents)")
        try make(place, progress: progress) { work in
          try RootArchive.unpack(share.folder, platform: platform, in: work, progress: progress)
        }
        share.unpacked = place
      }
      return share
    } catch let error as ShareProblem {
      throw InvalidConfiguration(.root, .refused("cannot be used: \(error)"))
    }
  }

  private func place(_ contents: String) -> String {
    let key = SHA256.hex(Array("\(Self.version) \(platform) \(contents)".utf8))
    return "\(folder)/\(key.prefix(32))"
  }

  /// Makes a root, unless it is there.
  private func make(_ place: String, progress: (String) -> Void, _ body: (_ work: String) throws -> Void)
    throws
  {
    if KeptRoot.touch(place) { return }
    try Files.createDirectories(folder)
    let lock = try FileLock.acquire("\(place).lock", until: .after(.seconds(1800))) { _ in
      progress("waiting for another process to unpack the root")
    }
    guard let lock else {
      throw ShareProblem("another process has been unpacking it for half an hour (\(place).lock)")
    }
    defer { withExtendedLifetime(lock) {} }
    if KeptRoot.touch(place) { return }
    let work = place + KeptRoot.newEnding
    try Files.removeTree(work)
    try Files.createDirectories(work, mode: 0o700)
    do {
      try body(work)
      try Files.write(Array("\(KeptRoot.bytes(work))\n".utf8), to: "\(work)/size")
      try Files.rename(work, to: place)
    } catch {
      try? Files.removeTree(work)
      throw error
    }
  }

  // MARK: Packages

  private func prepare(packages names: [String], progress: (String) -> Void) throws -> String {
    let packages = try DebianPackages(
      names.uniqued().sorted(),
      architecture: architecture,
      folder: "\(folder)/packages/\(platform)"
    )
    let version = packages.listsVersion
    let note = CacheNote("\(folder)/packages/names/\(version.prefix(32))", key: "\(Self.version) \(version)")
    if let known = note.value, KeptRoot.touch(known) { return known }
    let lock = try FileLock.acquire("\(folder)/packages/\(platform)/lock", until: .after(.seconds(1800))) {
      _ in
      progress("waiting for another process to fetch packages")
    }
    defer { withExtendedLifetime(lock) {} }
    let found = try packages.resolve(progress: progress)
    let place = place("packages \(found)")
    try make(place, progress: progress) { work in
      let files = try packages.fetch(found, progress: progress)
      let userland = try DebianUserland(in: work)
      for (number, file) in files.enumerated() {
        progress("unpacking package \(number + 1) of \(files.count)")
        try userland.add(file)
      }
      try userland.finish()
      packages.removeFetched()
    }
    // The lists may have been fetched just now.
    let present = packages.listsVersion
    CacheNote("\(folder)/packages/names/\(present.prefix(32))", key: "\(Self.version) \(present)").write(
      place
    )
    return place
  }
}
