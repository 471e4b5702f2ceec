/// Resuming fixtures.
extension FixtureService {
  /// `provium.fixture(name)`: resumes the fixture of that name in a new VM of the scope, and builds it first if it is not
  /// current. Blocks.
  /// - Parameters:
  ///   - networks: for the VM's network devices, in their order, where each gets addresses of its own. A device without a
  ///     network has no link.
  ///   - hostName: nil: `vmN`, where N is the number of the handle in its scope.
  package func resume(
    _ name: String,
    networks: [InterfaceRequest] = [],
    hostName: String? = nil,
    in scope: MachineScope
  ) throws -> Machine {
    let fixture = try FixtureLocator(configuration: scope.services.configuration).find(
      name,
      from: scope.fixtureSearch
    )
    return try resume(
      fixture,
      asked: name,
      recipe: nil,
      networks: networks,
      hostName: hostName,
      in: scope
    )
  }

  /// Resumes a fixture that `recipe` sets up, and builds it first if it is not current. Blocks.
  package func resume(_ fixture: Fixture, recipe: any FixtureRecipe, in scope: MachineScope) throws -> Machine
  {
    try resume(fixture, asked: fixture.name, recipe: recipe, networks: [], hostName: nil, in: scope)
  }

  /// - Parameter recipe: nil: that of all fixtures that have none of their own.
  private func resume(
    _ fixture: Fixture,
    asked name: String,
    recipe: (any FixtureRecipe)?,
    networks: [InterfaceRequest],
    hostName: String?,
    in scope: MachineScope
  ) throws -> Machine {
    let ready = try buildIfStale(fixture, recipe, for: scope)
    let hostName = hostName ?? "vm\(scope.machines.count + 1)"
    let devices = ready.manifest.snapshot.configuration.networkDevices.count
    guard networks.count <= devices else {
      throw ProviumError(
        .invalidUse,
        "the fixture \(fixture.name) has \(devices) network device\(devices == 1 ? "" : "s"), not \(networks.count)"
      )
    }
    let interfaces = try networks.map {
      try $0.network.addInterface(owner: hostName, mac: $0.mac, addresses: $0.addresses)
    }
    func resume(_ held: HeldFixture) throws -> Machine {
      try self.resume(held, asked: name, interfaces: interfaces, hostName: hostName, in: scope)
    }
    do { return try resume(ready) } catch let error as UnusableSnapshot {
      // A fixture that looks whole and gives no VM is not trusted a second time.
      guard !scope.isCancelled, !scope.limits.deadline.isExpired else { throw error.cause }
      let rebuilt = try rebuild(fixture, recipe, instead: ready, because: error.cause.message, for: scope)
      do { return try resume(rebuilt) } catch let error as UnusableSnapshot {
        throw error.cause
      }
    }
  }

  private func resume(
    _ ready: HeldFixture,
    asked name: String,
    interfaces: [NetworkInterface],
    hostName: String,
    in scope: MachineScope
  ) throws -> Machine {
    let manifest = ready.manifest
    let configuration = scope.services.configuration
    let profile = (try? configuration.profile(manifest.profile)) ?? Profile(name: manifest.profile)
    let machine = scope.machines.add(profile: profile)
    machine.interfaces = interfaces
    machine.hostName = hostName
    // QEMU must have the files open before another process may remove them.
    try withExtendedLifetime(ready.hold) {
      try machine.resume(manifest.snapshot, origin: .fixture(manifest.name))
    }
    machine.noteStart(from: HeldSnapshot(snapshot: manifest.snapshot, hold: ready.hold))
    scope.note(
      UsedFixture(name: name, source: manifest.source, buildID: manifest.buildID),
      madeFrom: StalenessCheck(store: store, services: scope.services).watchedPaths(of: manifest)
    )
    return machine
  }
}
