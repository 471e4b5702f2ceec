import ProviumEvents
import ProviumLua
import ProviumMachine
import ProviumSystem

/// What a fixture's script left behind.
struct BuiltFixture {
  let machine: ScriptMachine
  let snapshot: Snapshot
}

extension FileSession {
  /// A session that runs a fixture's script for this one.
  func fixtureSession(name: String, place: String, file: TestFile, work: String) -> FileSession {
    let session = FileSession(
      file: file,
      owner: owner,
      engine: engine,
      events: events,
      selection: TestSelection(),
      timeout: fileTimeout
    )
    session.fixtureChain = fixtureChain + [(name, place)]
    session.workplace = work
    return session
  }

  /// Runs the script of a fixture and puts its last machine to rest in the workplace.
  func buildFixture() throws -> BuiltFixture {
    let name = fixtureChain.last?.name ?? ""
    defer { machines.endAll() }
    let outcome = runScript()
    switch outcome {
    case .passed: break
    case .failed(let failure):
      throw HarnessFault(([failure.summary] + failure.console.map { "  \($0)" }).joined(separator: "\n"))
    case .skipped(let reason), .todo(let reason): throw HarnessFault("its script ended early: \(reason)")
    }
    guard let machine = machines.lastCreated else { throw FixtureError.noMachine(name: name) }
    for other in machines.all where other !== machine { other.kill("not the fixture's") }
    guard machine.state == .booted, let work = workplace else {
      throw FixtureError.machineNotRunning(name: name, state: machine.state.rawValue)
    }
    activity("saving the fixture \(name)")
    return BuiltFixture(machine: machine, snapshot: try machine.putToRest(in: work))
  }

  /// `provium.fixture(name)`.
  func resumeFixture(_ name: String) throws -> ScriptMachine {
    let manifest: FixtureManifest
    do { manifest = try engine.fixtures.current(name, for: self) } catch let error as FixtureError {
      if case .unknown = error { throw error }
      throw HarnessFault("\(error)")
    }
    usedFixtures.append((name, manifest.key))
    fixtureSources.formUnion(engine.fixtures.sources(of: manifest, for: self))
    let profile = (try? engine.configuration.profile(manifest.profile)) ?? Profile(name: manifest.profile)
    let machine = machines.add(profile: profile, session: self)
    try machine.resume(manifest.snapshot, origin: "fixture \(name)")
    return machine
  }
}
