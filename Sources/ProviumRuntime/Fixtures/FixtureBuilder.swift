import Glibc
import ProviumVM
import ProviumSystem

/// Builds one fixture: runs its script, and puts its last machine to rest.
struct FixtureBuilder {
  let fixture: LocatedFixture
  let place: String
  let store: FixtureStore

  /// Blocks; the caller holds the fixture's lock. Where the disk is full, what nobody uses leaves first.
  func build(for outer: FileSession) throws -> FixtureManifest {
    do { return try attempt(for: outer) } catch let shortage as Shortage {
      guard !outer.isInterrupted, store.makeRoom(free: Self.wantedRoom, keeping: place) else {
        throw shortage.error
      }
    }
    do { return try attempt(for: outer) } catch let shortage as Shortage { throw shortage.error }
  }

  /// Bytes that are to be free for another attempt: enough for the memory of most machines.
  private static let wantedRoom: UInt64 = 1 << 30

  /// A build failed, and the disk was full at that moment.
  private struct Shortage: Error {
    let error: FixtureError
  }

  private func attempt(for outer: FileSession) throws -> FixtureManifest {
    let work = try store.workplace(for: place)
    do {
      return try build(for: outer, in: work)
    } catch {
      // Before the folder goes: afterwards there is room again, and nobody would understand.
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
      key: SHA256.hex(Array("\(fixture.source) \(Deadline.now) \(UInt64.random(in: 0 ... .max))".utf8)),
      inputs: inputs(of: session),
      files: [],
      snapshot: built.snapshot,
      profile: built.machine.profile.name,
      project: session.engine.configuration.path ?? "",
      builtAt: Double(time(nil)),
      buildDuration: 0
    )
    manifest.snapshot.name = fixture.name
    // What other machines of the script left in the folder.
    let kept = Set(built.snapshot.fileNames)
    for file in try Files.list(work) where !kept.contains(file) { try Files.removeTree("\(work)/\(file)") }
    manifest.buildDuration = Double(Deadline.now - begin) / 1e9
    return try store.publish(manifest, from: work, to: place)
  }

  /// Everything that it came from.
  private func inputs(of session: FileSession) -> [FixtureInput] {
    var inputs = [
      FixtureInput(
        kind: .source,
        name: "the script",
        location: fixture.source,
        value: digest(session.loaded.first?.contents)
      )
    ]
    for script in session.loaded.dropFirst() {
      inputs.append(
        FixtureInput(
          kind: .loaded,
          name: script.displayPath,
          location: script.path,
          value: digest(script.contents)
        )
      )
    }
    inputs += session.absentScripts.map {
      FixtureInput(kind: .absent, name: Files.display($0), location: $0, value: "")
    }
    for base in session.usedFixtures {
      inputs.append(FixtureInput(kind: .base, name: base.name, location: base.source, value: base.key))
    }
    // Of all machines, also of boots that failed: what one of them found out may be in the one that is kept.
    for machine in session.machines.all {
      for input in machine.imageInputs where !input.path.isEmpty {
        inputs.append(FixtureInput(kind: .file, name: input.name, location: input.path, value: input.digest))
      }
      inputs += machine.hostFiles
    }
    let booted = session.machines.all.filter(\.hasTriedToBoot)
    for profile in Set(booted.map(\.profile.name)).sorted() {
      inputs += FixtureInput.profileValues(profile, of: session.engine).sorted { $0.key < $1.key }.map {
        FixtureInput(kind: .profile, name: $0.key, location: profile, value: $0.value)
      }
    }
    inputs += FixtureInput.presentValues.sorted { $0.key < $1.key }.map {
      FixtureInput(kind: .value, name: $0.key, value: $0.value)
    }
    var seen: Set<FixtureInput> = []
    return inputs.filter { seen.insert($0).inserted }
  }

  private func digest(_ contents: [UInt8]?) -> String { SHA256.hex(contents ?? []) }
}
