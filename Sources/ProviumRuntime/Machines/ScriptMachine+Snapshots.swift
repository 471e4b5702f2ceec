import ProviumEvents
import ProviumAgentClient
import ProviumBoot
import ProviumVM
import ProviumSystem

extension ScriptMachine {
  /// What a resumed machine is taken to cost the host at first: its private pages, not the memory that it shares with its
  /// siblings through the page cache. Measured: 17 MB at rest, 31 MB after a shell and some work. `MemoryMeter` sees what more
  /// it comes to.
  static let resumedCost: UInt64 = 64 << 20

  /// Brings a snapshot to life behind this handle.
  /// - Throws: `UnusableSnapshot` where no machine came of it; what the pool says.
  func resume(_ snapshot: Snapshot, origin: ResumeOrigin) throws {
    let begin = Deadline.now
    try admitResume(of: snapshot)
    let host = try session.engine.host()
    let limit = MachineConfiguration.defaultBootTimeLimit
      * host.timeoutMultiplier(for: snapshot.conditions.architecture)
    session.activity("resuming \(label)")
    let deadline = min(Deadline.after(limit), session.scriptDeadline)
    let spare = spare(of: snapshot, until: deadline)
    // Only now is it known where the machine comes from.
    announceResume(of: snapshot, origin: origin.text(fromSpare: spare != nil))
    do {
      adopt(try spare ?? fromNothing(snapshot, on: host, until: deadline), since: begin)
      watchCost()
    } catch {
      let fault = failedToStart("\(error)", console: (error as? BootFailure)?.console ?? [])
      // No room for a copy of it says nothing of the snapshot.
      if error is FixtureError { throw fault }
      throw UnusableSnapshot(cause: fault)
    }
  }

  /// A machine that was resumed ahead of need: it has only to go on, and to learn the time.
  private func spare(of snapshot: Snapshot, until deadline: Deadline) -> VirtualMachine? {
    guard session.workplace == nil, let spare = session.engine.warmPool.take(snapshot) else { return nil }
    noteRunning(spare.process)
    do {
      try spare.proceed(until: deadline)
      try spare.wakeUp(until: deadline)
      spare.agent.operations.forget()
      return spare
    } catch {
      // It was only a convenience.
      spare.kill()
      return nil
    }
  }

  private func fromNothing(
    _ snapshot: Snapshot,
    on host: MachineHost,
    until deadline: Deadline
  ) throws -> VirtualMachine {
    let memory = try session.writableMemory(of: snapshot)
    return try VirtualMachine.resume(
      snapshot,
      on: host,
      writingTo: memory?.memory,
      diskFiles: memory?.disks,
      until: deadline,
      started: { process in noteRunning(process) }
    )
  }

  /// Puts the machine to rest; the handle is no longer booted. Where that fails the machine is dead.
  func putToRest(in folder: String) throws -> Snapshot {
    let machine = try usable()
    let host = try session.engine.host()
    do {
      let snapshot = try guarded("saving", on: machine, allowance: .zero) {
        try machine.save(to: folder, host: host, until: $0)
      }
      rest()
      return snapshot
    } catch {
      throw couldNotBeSaved("\(error)", machine)
    }
  }

  /// `vm:snapshot()`: the machine goes on from the very state that was kept.
  func takeSnapshot() throws -> ScriptSnapshot {
    let folder = try session.snapshotFolder()
    let snapshot: ScriptSnapshot
    do {
      let point = RestorePoint(snapshot: try putToRest(in: folder), history: history)
      snapshot = ScriptSnapshot(point, of: self)
    } catch {
      try? Files.removeTree(folder)
      throw error
    }
    try goOn(from: snapshot.point)
    return snapshot
  }

  /// `vm:restore(s)`: the handle, and the handles of its workers, stay the same.
  func restore(_ snapshot: ScriptSnapshot) throws {
    discard("restored")
    try goOn(from: snapshot.point)
  }

  private func goOn(from point: RestorePoint) throws {
    let earlier = operations
    do { try resume(point.snapshot, origin: .snapshot) } catch let error as UnusableSnapshot {
      throw error.cause
    }
    history = point.history.continued
    defer { operations.continue(earlier) }
    try attachWorkers()
  }

  /// The machine was resumed: so were those of its workers that ran.
  private func attachWorkers() throws {
    let machine = try usable()
    let present = workers.filter(\.belongs)
    guard !present.isEmpty else { return }
    var running = try guarded("looking for workers", on: machine, allowance: .zero) {
      try machine.session.state(until: $0).workers
    }
    // A number and a pid that were used twice are the later one's.
    for worker in present.reversed() {
      worker.attach(to: machine.agent, among: &running, until: .after(.seconds(10)))
    }
  }

  /// The sub-test starts from the state that the machine had at the file's first fresh one.
  func startAfresh() throws {
    switch freshStart {
    case .booted(let snapshot): try restore(snapshot)
    case .absent(let before): if state == .booted || state == .paused { goBack(to: before) }
    case nil: freshStart = try state == .booted ? .booted(startOfFresh()) : .absent(state)
    }
  }

  /// A machine that nobody has touched since it was resumed from a fixture is what the fixture's own files hold.
  private func startOfFresh() throws -> ScriptSnapshot {
    guard let fixture = untouchedFixture else { return try takeSnapshot() }
    return ScriptSnapshot(
      RestorePoint(snapshot: fixture.manifest.snapshot, history: history),
      of: self,
      fixture: fixture.use
    )
  }
}

/// From what a machine is resumed, as the run's events have it.
enum ResumeOrigin {
  case fixture(String)
  /// A script's own: `vm:restore`, a fresh sub-test.
  case snapshot

  func text(fromSpare: Bool) -> String {
    switch self {
    case .fixture(let name): fromSpare ? "spare \(name)" : "fixture \(name)"
    case .snapshot: fromSpare ? "spare restore" : "restore"
    }
  }
}

extension FileSession {
  /// A machine that is to be put to rest writes its memory to a file; so do all machines of a fixture's script, as only
  /// its end tells which one is kept. Disks that it writes to are copies: a user's image stays what it is.
  func storage(for configuration: MachineConfiguration, machine: Int) throws -> VirtualMachine.Storage {
    var storage = VirtualMachine.Storage()
    guard let folder = workplace ?? (isFresh ? engine.run.snapshots : nil) else { return storage }
    try Files.createDirectories(folder, mode: 0o700)
    storage.memory = .sharedFile("\(folder)/memory-\(machine)")
    guard workplace != nil else { return storage }
    for (number, disk) in configuration.allDisks.enumerated() where !disk.isReadOnly {
      let copy = "\(folder)/disk\(number)-\(machine)"
      // A relative backing file would be looked for beside the copy.
      let backing = try DiskImage(disk.path, format: disk.format.rawValue).chain.first
      try Files.copySparse(disk.path, to: copy)
      // No overlay, also where the disk discards writes: they belong to the fixture.
      storage.diskFiles[number] = DiskFile(path: copy, format: disk.format, backing: backing)
    }
    return storage
  }

  /// In a fixture's script: a copy of the snapshot's memory and disks, to be written to. Only what is not zero is copied.
  func writableMemory(of snapshot: Snapshot) throws -> (memory: String, disks: [Int: DiskFile])? {
    guard let workplace, !snapshot.isStream else { return nil }
    let machine = engine.nextMachineNumber()
    let memory = "\(workplace)/memory-\(machine)"
    var disks = snapshot.writableDisks
    do {
      try Files.copySparse(snapshot.memoryPath, to: memory)
      for (number, file) in snapshot.writableDisks {
        let copy = "\(workplace)/disk\(number)-\(machine)"
        try Files.copySparse(file.path, to: copy)
        disks[number]?.path = copy
      }
    } catch { throw FixtureError.store(path: workplace, reason: "\(error)") }
    return (memory, disks)
  }

  /// A folder of its own for one snapshot, gone with it. In a fixture's script it lies where the machine's memory does
  /// already, on the same file system.
  func snapshotFolder() throws -> String {
    let folder =
      "\(workplace.map { "\($0)/snapshots" } ?? engine.run.snapshots)/\(engine.nextMachineNumber())"
    try Files.createDirectories(folder, mode: 0o700)
    return folder
  }
}
