import Glibc
import ProviumVM
import ProviumSystem

/// Builds one fixture: runs its script, and saves the last VM that it created.
struct FixtureBuilder {
  let fixture: Fixture
  let place: String
  let store: FixtureStore

  /// Blocks; the caller holds the fixture's lock. If the disk is full, unused fixtures are removed and the build is repeated.
  func build(for outer: FileSession) throws -> FixtureManifest {
    do { return try attempt(for: outer) } catch let shortage as Shortage {
      guard !outer.isInterrupted, store.makeRoom(free: Self.wantedRoom, keeping: place) else {
        throw shortage.error
      }
    }
    do { return try attempt(for: outer) } catch let shortage as Shortage { throw shortage.error }
  }

  /// Bytes to free for a second attempt: enough for the memory of most VMs.
  private static let wantedRoom: UInt64 = 1 << 30

  /// A build failed while the disk was full.
  private struct Shortage: Error {
    let error: FixtureError
  }

  private func attempt(for outer: FileSession) throws -> FixtureManifest {
    let work = try store.workplace(for: place)
    do {
      return try build(for: outer, in: work)
    } catch {
      // Before the folder is removed: afterwards there is room again.
      let hint = DiskShortage.hint(in: work)
      try? Files.removeTree(work)
      store.sweep(place)
      guard let hint, !outer.isInterrupted else { throw error }
      throw Shortage(error: .store(path: store.folder, reason: "\(hint)\n\(error)"))
    }
  }

  private func build(for outer: FileSession, in work: String) throws -> FixtureManifest {
    let begin = Deadline.now
    let script = TestFile(name: fixture.name, path: fixture.source, root: outer.file.root)
    let session = outer.session(for: fixture, place: place, file: script)
    session.workplace = work
    let built = try outer.running(session) { try session.buildFixture() }
    var manifest = FixtureManifest(
      name: fixture.name,
      source: fixture.source,
      root: outer.file.root,
      buildID: FixtureManifest.newBuildID(),
      inputs: inputs(of: session),
      files: [],
      snapshot: built.snapshot,
      profile: built.machine.profile.name,
      project: session.engine.configuration.path ?? "",
      builtAt: Double(time(nil)),
      buildDuration: 0
    )
    manifest.snapshot.name = fixture.name
    // Files of the script's other VMs.
    let kept = Set(["memory", "state"] + built.snapshot.disks.map(\.path))
    for file in try Files.list(work) where !kept.contains(file) { try Files.removeTree("\(work)/\(file)") }
    manifest.buildDuration = Double(Deadline.now - begin) / 1e9
    return try store.publish(manifest, from: work, to: place)
  }

  private func inputs(of session: FileSession) -> [FixtureInput] {
    var files: [FixtureInput] = []
    for machine in session.machines.all {
      for input in machine.imageInputs where !input.path.isEmpty {
        files.append(FixtureInput(kind: .file, name: input.name, location: input.path, value: input.digest))
      }
      files += machine.hostFiles
    }
    let profiles = Set(session.machines.all.filter(\.hasTriedToBoot).map(\.profile.name))
    return
      (session.scriptInputs(of: fixture)
      + StalenessCheck.inputs(
        bases: session.usedFixtures,
        files: files,
        profiles: profiles,
        of: session.engine
      )).uniqued()
  }
}

extension FileSession {
  /// The script of a fixture, and the scripts that it loaded or looked for.
  fileprivate func scriptInputs(of fixture: Fixture) -> [FixtureInput] {
    func digest(_ contents: [UInt8]?) -> String { SHA256.hex(contents ?? []) }
    let source = FixtureInput(
      kind: .source,
      name: "the script",
      location: fixture.source,
      value: digest(loaded.first?.contents)
    )
    return [source]
      + loaded.dropFirst().map {
        FixtureInput(kind: .loaded, name: $0.displayPath, location: $0.path, value: digest($0.contents))
      }
      + absentScripts.map {
        FixtureInput(kind: .absent, name: Files.display($0), location: $0, value: "")
      }
  }
}
