import Glibc
import ProviumVM
import ProviumSystem

/// Builds one fixture: lets its recipe prepare a VM, and saves that VM.
struct FixtureBuilder {
  let fixture: Fixture
  let place: String
  let store: FixtureStore
  let recipe: any FixtureRecipe

  /// Blocks; the caller holds the fixture's lock. If the disk is full, unused fixtures are removed and the build is repeated.
  func build(for outer: MachineScope) throws -> FixtureManifest {
    do { return try attempt(for: outer) } catch let shortage as Shortage {
      guard !outer.isCancelled, store.makeRoom(free: Self.wantedRoom, keeping: place) else {
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

  private func attempt(for outer: MachineScope) throws -> FixtureManifest {
    let work = try store.workplace(for: place)
    do {
      return try build(for: outer, in: work)
    } catch {
      // Before the folder is removed: afterwards there is room again.
      let hint = DiskShortage.hint(in: work)
      try? Files.removeTree(work)
      store.sweep(place)
      guard let hint, !outer.isCancelled else { throw error }
      throw Shortage(error: .store(path: store.folder, reason: "\(hint)\n\(error)"))
    }
  }

  private func build(for outer: MachineScope, in work: String) throws -> FixtureManifest {
    let begin = Deadline.now
    let root = outer.fixtureSearch.root
    let scope = outer.child(
      building: FixtureInProgress(name: fixture.name, place: place),
      search: FixtureSearch(folder: Files.parent(of: fixture.source), root: root),
      workFolder: work
    )
    defer { scope.end() }
    let (prepared, snapshot, lab) = try outer.running(scope) {
      let prepared = try recipe.prepare(in: scope)
      guard fixture.isLab else {
        return (prepared, try save(prepared.machine, in: scope, to: work), SavedLab?.none)
      }
      scope.activity("saving the lab \(fixture.name)")
      let lab = try scope.machines.saveTogether(as: fixture.name, to: work)
      guard let first = lab.machines.first else { throw FixtureError.noMachine(name: fixture.name) }
      return (prepared, first.snapshot, lab)
    }
    var manifest = FixtureManifest(
      name: fixture.name,
      source: fixture.source,
      root: root,
      buildID: FixtureManifest.newBuildID(),
      inputs: inputs(of: scope, prepared),
      files: [],
      snapshot: snapshot,
      profile: prepared.machine.profile.name,
      project: scope.services.configuration.path ?? "",
      builtAt: Double(time(nil)),
      buildDuration: 0
    )
    manifest.snapshot.name = fixture.name
    manifest.lab = lab
    // Files of the recipe's other VMs.
    let kept = Set(lab?.fileNames ?? snapshot.fileNames)
    for file in try Files.list(work) where !kept.contains(file) { try Files.removeTree("\(work)/\(file)") }
    manifest.buildDuration = Double(Deadline.now - begin) / 1e9
    return try store.publish(manifest, from: work, to: place)
  }

  /// Ends all VMs of the scope but `machine`, and saves that one.
  private func save(_ machine: Machine, in scope: MachineScope, to work: String) throws -> Snapshot {
    for other in scope.machines.all where other !== machine { other.kill("not the fixture's") }
    guard machine.state == .booted else {
      throw FixtureError.machineNotRunning(name: fixture.name, state: machine.state.rawValue)
    }
    scope.activity("saving the fixture \(fixture.name)")
    return try machine.save(to: work)
  }

  private func inputs(of scope: MachineScope, _ prepared: PreparedFixture) -> [FixtureInput] {
    let bases = scope.usedFixtures.map {
      FixtureInput(kind: .base, name: $0.name, location: $0.source, value: $0.buildID)
    }
    let files = scope.machines.all.flatMap { $0.hostInputs + $0.sharedInputs }.map {
      FixtureInput(kind: .file, name: $0.name, location: $0.path, value: $0.digest)
    }
    let folders = scope.machines.all.flatMap(\.pushedFolders).map {
      FixtureInput(kind: .folder, name: $0.name, location: $0.path, value: $0.digest)
    }
    let profiles = Set(scope.machines.all.filter(\.hasTriedToBoot).map(\.profile.name))
    return
      (prepared.inputs
      + StalenessCheck.inputs(bases: bases, files: files + folders, profiles: profiles, of: scope.services))
      .uniqued()
  }
}
