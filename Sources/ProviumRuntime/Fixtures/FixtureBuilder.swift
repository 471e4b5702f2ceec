import Glibc
import ProviumAgentImage
import ProviumImage
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
      try? Files.removeTree(work)
      throw error
    }
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
      inputs: inputs(of: session, machine: built.machine),
      files: [],
      snapshot: built.snapshot,
      profile: built.machine.profile.name,
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
  private func inputs(of session: FileSession, machine: ScriptMachine) -> [FixtureInput] {
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
    for input in machine.imageInputs where !input.path.isEmpty && !Files.isDirectory(input.path) {
      inputs.append(FixtureInput(kind: .file, name: input.name, location: input.path, value: input.digest))
    }
    for path in machine.hostFiles {
      guard let digest = try? session.engine.digests.digest(path) else { continue }
      inputs.append(FixtureInput(kind: .file, name: "injected file or disk", location: path, value: digest))
    }
    return inputs
      + FixtureInput.presentValues.sorted { $0.key < $1.key }.map {
        FixtureInput(kind: .value, name: $0.key, value: $0.value)
      }
  }

  private func digest(_ contents: [UInt8]?) -> String { SHA256.hex(contents ?? []) }
}

extension FixtureInput {
  /// Values that every fixture depends on, as they are now.
  static var presentValues: [String: String] {
    ["Provium": ProviumVersion.string, "the agent": AgentImage.buildIDHex]
  }
}
