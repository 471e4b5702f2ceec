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
      throw BrokenScript(
        description: ([failure.summary] + failure.console.map { "  \($0)" }).joined(separator: "\n"),
        failed: failure.kind
      )
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
    let ready = try fixture(name) { try engine.fixtures.current(name, for: self) }
    do { return try resume(ready, name: name) } catch let error as UnusableSnapshot {
      // What looks whole and gives no machine is not trusted a second time.
      guard !isInterrupted, !scriptDeadline.isExpired else { throw error.cause }
      let rebuilt = try fixture(name) {
        try engine.fixtures.rebuild(name, instead: ready, because: "\(error.cause)", for: self)
      }
      do { return try resume(rebuilt, name: name) } catch let error as UnusableSnapshot { throw error.cause }
    }
  }

  private func resume(_ ready: ReadyFixture, name: String) throws -> ScriptMachine {
    let manifest = ready.manifest
    let profile = (try? engine.configuration.profile(manifest.profile)) ?? Profile(name: manifest.profile)
    let machine = machines.add(profile: profile, session: self)
    // QEMU must have its files open before anybody may remove them.
    try withExtendedLifetime(ready.use) { try machine.resume(manifest.snapshot, origin: "fixture \(name)") }
    usedFixtures.append((name, manifest.key))
    fixtureSources.formUnion(
      FixtureInspection(store: engine.fixtures.store, session: self).sources(of: manifest)
    )
    return machine
  }

  private func fixture(_ name: String, _ body: () throws -> ReadyFixture) throws -> ReadyFixture {
    do { return try body() } catch let error as FixtureError {
      switch error {
      // The user's to mend: no other try will do.
      case .unknown, .buildFailed(_, _, .error): throw error
      case .buildFailed(_, _, let kind): throw HarnessFault("\(error)", kind: kind)
      default: throw HarnessFault("\(error)")
      }
    }
  }
}

/// QEMU made no machine of a snapshot.
struct UnusableSnapshot: Error {
  let cause: HarnessFault
}
