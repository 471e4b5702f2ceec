import ProviumAgentImage
import ProviumBoot
import ProviumVM
import ProviumSystem

/// Why a kept fixture is not used.
struct Staleness: Sendable, Hashable {
  let reason: String
  /// Whether its files are damaged. Users are warned of that, not of a changed input.
  let isDamage: Bool
}

/// Decides whether a kept fixture is what a build would give now. Everything that makes a fixture stale is in this file: its
/// files, the conditions of its snapshot, and its inputs by kind.
struct StalenessCheck {
  /// The result for one fixture.
  enum Verdict {
    /// The manifest to use. It differs from the one that was checked where the build's files were copied and verified;
    /// `FixtureStore.update` keeps it, so that they are verified once.
    case current(FixtureManifest)
    case stale(Staleness)
  }

  let store: FixtureStore
  let services: EngineServices
  /// False for a fixture of another project: its profiles and fixture folders are not known here.
  var isOwnProject = true

  /// Compares a kept fixture with the present.
  /// - Parameter base: returns the current build of a fixture that this one starts from, and may build it; nil: the kept
  ///   build is compared, and nothing is built.
  func verdict(
    of manifest: FixtureManifest,
    base: ((Fixture) throws -> FixtureManifest)? = nil
  ) throws -> Verdict {
    try verdict(of: manifest, base: base, dependents: [])
  }

  /// Why the fixture would be built again; nil: it is current. Builds nothing.
  func staleness(of manifest: FixtureManifest) throws -> Staleness? {
    if case .stale(let staleness) = try verdict(of: manifest) { staleness } else { nil }
  }

  /// - Parameter dependents: sources of the fixtures that start from this one, directly or indirectly.
  private func verdict(
    of manifest: FixtureManifest,
    base: ((Fixture) throws -> FixtureManifest)?,
    dependents: [String]
  ) throws -> Verdict {
    var verified = manifest
    for (index, file) in manifest.files.enumerated() {
      switch file.verdict(in: manifest.snapshot.folder) {
      case .same: break
      case .copied(let copy): verified.files[index] = copy
      case .damaged(let reason): return .stale(Staleness(reason: reason, isDamage: true))
      }
    }
    if let difference = try conditions(of: manifest) {
      return .stale(Staleness(reason: difference, isDamage: false))
    }
    for input in manifest.inputs {
      if let change = try change(of: input, in: manifest, base: base, dependents: dependents) {
        return .stale(Staleness(reason: change, isDamage: false))
      }
    }
    return .current(verified)
  }

  /// QEMU and its arguments, accelerator, channel, processor: the snapshot fits no others.
  private func conditions(of manifest: FixtureManifest) throws -> String? {
    let host = services.host
    let snapshots = manifest.lab.map { $0.machines.map(\.snapshot) } ?? [manifest.snapshot]
    for snapshot in snapshots {
      let qemu = try host.qemu(for: snapshot.conditions.architecture)
      let now = try snapshot.presentConditions(qemu: qemu, host: host)
      if let difference = snapshot.conditions.difference(from: now) { return difference }
    }
    return nil
  }

  // MARK: Inputs

  private func change(
    of input: FixtureInput,
    in manifest: FixtureManifest,
    base: ((Fixture) throws -> FixtureManifest)?,
    dependents: [String]
  ) throws -> String? {
    switch input.kind {
    case .source, .loaded, .file: return changeOfContents(input)
    case .folder: return changeOfFolder(input)
    case .absent:
      let isThere = Files.exists(input.location) && !Files.isDirectory(input.location)
      return isThere ? "\(Files.display(input.location)) is there now, and is loaded first" : nil
    case .base: return try changeOfBase(input, in: manifest, base: base, dependents: dependents)
    case .profile:
      guard isOwnProject else { return nil }
      let now = Self.settings(ofProfile: input.location, of: services)[input.name] ?? "not there"
      return now == input.value
        ? nil : "\(input.name) of the profile \(input.location) was \(input.value), and is \(now)"
    case .value:
      let now = Self.presentValues[input.name] ?? "not there"
      return now == input.value ? nil : "\(input.name) was \(input.value), and is \(now)"
    }
  }

  private func changeOfContents(_ input: FixtureInput) -> String? {
    let shown = "\(input.name) (\(Files.display(input.location)))"
    guard Files.exists(input.location) else { return "\(shown) is gone" }
    do {
      return try services.digests.digest(input.location) == input.value ? nil : "\(shown) changed"
    } catch { return "\(shown) cannot be read any more: \(error)" }
  }

  private func changeOfFolder(_ input: FixtureInput) -> String? {
    let shown = "the folder \(Files.display(input.location))"
    guard Files.isDirectory(input.location) else { return "\(shown) is gone" }
    do {
      return try FolderDigest.hex(of: input.location, digests: services.digests) == input.value
        ? nil : "\(shown) changed"
    } catch { return "\(shown) cannot be read any more: \(error)" }
  }

  /// Looks the base up again by its name: another fixture may have that name now, in a folder that is searched earlier.
  private func changeOfBase(
    _ input: FixtureInput,
    in manifest: FixtureManifest,
    base: ((Fixture) throws -> FixtureManifest)?,
    dependents: [String]
  ) throws -> String? {
    let found =
      isOwnProject
      ? try FixtureLocator(configuration: services.configuration).find(input.name, from: manifest.search)
      : Fixture(name: input.name, source: input.location)
    let shown = "the fixture \(input.name), from which it starts,"
    guard found.source == input.location else {
      return
        "\(shown) was \(Files.display(input.location)), and is \(Files.display(found.source))"
    }
    let now: FixtureManifest
    if let base {
      now = try base(found)
    } else {
      let (reason, kept) = try keptBase(found, dependents: dependents + [manifest.source])
      guard let kept else { return "\(shown) would be built again: \(reason)" }
      now = kept
    }
    return now.buildID == input.value ? nil : "\(shown) was built again"
  }

  /// The kept build of a base, if it would be used; else the reason why not.
  private func keptBase(_ base: Fixture, dependents: [String]) throws -> (reason: String, FixtureManifest?) {
    guard !dependents.contains(base.source) else {
      throw FixtureError.circular(chain: (dependents + [base.source]).map { Fixture(source: $0).name })
    }
    switch store.kept(at: store.place(of: base)) {
    case .nothing: return ("it is not there", nil)
    case .unusable(let reason, _): return (reason, nil)
    case .fixture(let manifest):
      switch try verdict(of: manifest, base: nil, dependents: dependents) {
      case .current: return ("", manifest)
      case .stale(let staleness): return (staleness.reason, nil)
      }
    }
  }

  // MARK: What builds record

  /// Returns the inputs of a build that do not depend on its recipe: the fixtures that it started from, its VMs' host files,
  /// the profiles they were booted from, and the versions.
  /// - Parameters:
  ///   - bases: the fixtures that the build resumed.
  ///   - files: of all VMs and all their boots, also those that failed: the recipe may depend on what a failed boot showed.
  ///   - profiles: the names of the profiles that VMs were booted from.
  static func inputs(
    bases: [FixtureInput],
    files: [FixtureInput],
    profiles: Set<String>,
    of services: EngineServices
  )
    -> [FixtureInput]
  {
    var inputs = bases + files
    for profile in profiles.sorted() {
      inputs += settings(ofProfile: profile, of: services).sorted { $0.key < $1.key }.map {
        FixtureInput(kind: .profile, name: $0.key, location: profile, value: $0.value)
      }
    }
    inputs += presentValues.sorted { $0.key < $1.key }.map {
      FixtureInput(kind: .value, name: $0.key, value: $0.value)
    }
    return inputs
  }

  /// Versions that every fixture depends on, as they are now.
  static var presentValues: [String: String] {
    ["Provium": ProviumVersion.string, "the agent": AgentImage.buildIDHex]
  }

  /// The settings of a profile as they are now; empty when there is no such profile.
  static func settings(ofProfile name: String, of services: EngineServices) -> [String: String] {
    guard let profile = try? services.configuration.profile(name) else { return [:] }
    let kernel =
      profile.kernel
      // The built-in profile takes the cached distribution kernel, which may have been replaced.
      ?? (try? DistributionKernel.prepare(
        cache: services.configuration.settings.cache,
        architecture: profile.architecture ?? .host
      ))?.kernel
    return [
      "kernel": kernel, "initrd": profile.initrd, "rootfs": profile.rootfs, "init": profile.initProgram,
      "append": profile.append, "modules": profile.modules, "arch": profile.architecture?.name,
      "userland": profile.wantsUserland ? "busybox" : nil, "root": profile.root,
      "packages": profile.packages?.joined(separator: " "),
      "share": profile.shares.isEmpty
        ? nil : profile.shares.map { "\($0.path) = \($0.folder)" }.joined(separator: ", "),
    ].mapValues { $0 ?? "not set" }
  }

  // MARK: Watched files

  /// Returns every host path whose change may make the fixture stale, also through the fixtures that it starts from.
  func watchedPaths(of manifest: FixtureManifest) -> Set<String> {
    var (paths, open): (Set<String>, [FixtureManifest]) = ([], [manifest])
    while let next = open.popLast() {
      guard paths.insert(next.source).inserted else { continue }
      for input in next.inputs {
        switch input.kind {
        case .source, .loaded, .absent, .file, .folder: paths.insert(input.location)
        case .base:
          if let base = store.manifest(at: store.place(of: Fixture(source: input.location))) {
            open.append(base)
          }
        case .profile, .value: break
        }
      }
    }
    return paths.subtracting([""])
  }
}
