import ProviumEvents
import ProviumLua
import ProviumVM
import ProviumSystem

/// What a fixture's script left behind.
struct BuiltFixture {
  let machine: ScriptMachine
  let snapshot: Snapshot
}

extension FileSession {
  /// A session of a fixture's script for this one.
  func session(for fixture: Fixture, place: String, file: TestFile) -> FileSession {
    let session = FileSession(
      // What happens in it is this file's.
      file: TestFile(name: self.file.name, path: file.path, root: file.root),
      owner: owner,
      engine: engine,
      events: events,
      filter: .all,
      timeout: fileTimeout
    )
    session.fixtureChain = fixtureChain + [(fixture.name, place)]
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
      throw FixtureScriptFailure(
        description: ([failure.summary] + failure.console.map { "  \($0)" }).joined(separator: "\n"),
        failed: failure.kind
      )
    case .skipped(let reason), .todo(let reason):
      throw FixtureScriptFailure(description: "its script ended early: \(reason)", failed: .error)
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
    let fixture = try FixtureLocator(configuration: engine.configuration).find(name, for: file)
    let ready = try asFault { try engine.fixtures.buildIfStale(fixture, for: self) }
    do { return try resume(ready, asked: name) } catch let error as UnusableSnapshot {
      // What looks whole and gives no machine is not trusted a second time.
      guard !isInterrupted, !scriptDeadline.isExpired else { throw error.cause }
      let rebuilt = try asFault {
        try engine.fixtures.rebuild(fixture, instead: ready, because: "\(error.cause)", for: self)
      }
      do { return try resume(rebuilt, asked: name) } catch let error as UnusableSnapshot { throw error.cause }
    }
  }

  private func resume(_ ready: HeldFixture, asked name: String) throws -> ScriptMachine {
    let manifest = ready.manifest
    let profile = (try? engine.configuration.profile(manifest.profile)) ?? Profile(name: manifest.profile)
    let machine = machines.add(profile: profile, session: self)
    // QEMU must have its files open before anybody may remove them.
    try withExtendedLifetime(ready.hold) {
      try machine.resume(manifest.snapshot, origin: .fixture(manifest.name))
    }
    machine.noteResumed(from: ready)
    usedFixtures.append(
      FixtureInput(kind: .base, name: name, location: manifest.source, value: manifest.buildID)
    )
    fixtureSources.formUnion(
      StalenessCheck(store: engine.fixtures.store, engine: engine).watchedPaths(of: manifest)
    )
    return machine
  }

  /// That there is no fixture of that name is the script's mistake; all else is not.
  private func asFault(_ body: () throws -> HeldFixture) throws -> HeldFixture {
    do { return try body() } catch let error as FixtureError {
      guard error.kind != .error else { throw error }
      throw HarnessFault("\(error)", kind: error.kind)
    }
  }
}

/// QEMU made no machine of a snapshot.
struct UnusableSnapshot: Error {
  let cause: HarnessFault
}
