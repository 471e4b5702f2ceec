/// Resuming labs.
extension FixtureService {
  /// `provium.lab(name)`: resumes all VMs and networks of a fixture's script, which were saved together, and builds the lab first
  /// if it is not current. Blocks.
  package func resumeLab(_ name: String, in scope: MachineScope) throws -> Lab {
    guard !scope.isBuildingFixture else {
      throw ProviumError(
        .invalidUse,
        "a fixture's script cannot use a lab: create its machines and networks here"
      )
    }
    let found = try FixtureLocator(configuration: scope.services.configuration).find(
      name,
      from: scope.fixtureSearch
    )
    let ready = try buildIfStale(found.lab, for: scope)
    do { return try resumeLab(ready, asked: name, in: scope) } catch let error as UnusableSnapshot {
      // A lab that looks whole and gives no VMs is not trusted a second time.
      guard !scope.isCancelled, !scope.limits.deadline.isExpired else { throw error.cause }
      let rebuilt = try rebuild(found.lab, instead: ready, because: error.cause.message, for: scope)
      do { return try resumeLab(rebuilt, asked: name, in: scope) } catch let error as UnusableSnapshot {
        throw error.cause
      }
    }
  }

  private func resumeLab(_ ready: HeldFixture, asked name: String, in scope: MachineScope) throws -> Lab {
    let manifest = ready.manifest
    guard let saved = manifest.lab else {
      throw UnusableSnapshot(cause: ProviumError(.infrastructure, "its manifest has no lab"))
    }
    // QEMU must have the files open before another process may remove them.
    let lab = try withExtendedLifetime(ready.hold) {
      try scope.machines.resumeTogether(saved, named: manifest.name, from: manifest.snapshot.folder)
    }
    scope.note(
      UsedFixture(name: name, source: manifest.source, buildID: manifest.buildID),
      madeFrom: StalenessCheck(store: store, services: scope.services).watchedPaths(of: manifest)
    )
    return lab
  }
}
