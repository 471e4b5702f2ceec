import Glibc
import ProviumMachine
import ProviumSystem

/// Builds one fixture: runs its script, and puts its last machine to rest.
struct FixtureBuilder {
  let name: String
  let source: String
  let place: String
  let store: FixtureStore

  /// Blocks; the caller holds the fixture's lock.
  func build(for outer: FileSession) throws -> FixtureManifest {
    let work = try store.workplace(for: place)
    do {
      return try build(for: outer, in: work)
    } catch {
      // Before the folder goes: afterwards there is room again, and nobody would understand.
      let hint = Self.shortage(in: work)
      try? Files.removeTree(work)
      store.sweep(place)
      guard let hint, !outer.isInterrupted else { throw error }
      throw FixtureError.store(path: store.folder, reason: "\(hint)\n\(error)")
    }
  }

  /// A file system on which so little is left is full for a machine's memory: QEMU only says that it was killed by SIGBUS.
  private static let leastRoom: UInt64 = 8 << 20

  private static func shortage(in work: String) -> String? {
    guard let free = Files.freeSpace(work), free < leastRoom else { return nil }
    return "the disk is full (\(Quantity.text(bytes: free)) are free)"
  }

  private func build(for outer: FileSession, in work: String) throws -> FixtureManifest {
    let begin = Deadline.now
    let session = outer.fixtureSession(
      name: name,
      place: place,
      file: TestFile(name: outer.file.name, path: source, root: outer.file.root),
      work: work
    )
    let built = try outer.running(session) { try session.buildFixture() }
    var manifest = FixtureManifest(
      name: name,
      source: source,
      key: SHA256.hex(Array("\(name) \(Deadline.now) \(UInt64.random(in: 0 ... .max))".utf8)),
      inputs: inputs(of: session),
      files: [],
      snapshot: built.snapshot,
      profile: built.machine.profile.name,
      project: session.engine.configuration.path ?? "",
      builtAt: Double(time(nil)),
      buildDuration: 0
    )
    manifest.snapshot.name = name
    // What other machines of the script left in the folder.
    let kept = Set(["memory", "state"] + built.snapshot.disks.map(\.path))
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
        location: source,
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
    for (name, key) in session.usedFixtures {
      inputs.append(FixtureInput(kind: .base, name: "fixture \(name)", location: name, value: key))
    }
    // Of all machines: what one of them found out may be in the one that is kept.
    let booted = session.machines.all.filter { !$0.imageInputs.isEmpty }
    for machine in booted {
      for input in machine.imageInputs where !input.path.isEmpty {
        inputs.append(FixtureInput(kind: .file, name: input.name, location: input.path, value: input.digest))
      }
      inputs += machine.hostFiles
    }
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
