import ProviumEvents
import ProviumGuest
import ProviumMachine
import ProviumSystem

/// A state of a machine that a script took: `vm:snapshot()`.
final class ScriptSnapshot {
  let snapshot: Snapshot
  let machine: ScriptMachine
  private let engine: Engine

  init(_ snapshot: Snapshot, of machine: ScriptMachine) {
    self.snapshot = snapshot
    self.machine = machine
    engine = machine.session.engine
  }

  /// The script let go of it. A machine that was resumed from it holds its files open, and goes on.
  deinit {
    engine.spares.forget(snapshot)
    try? Files.removeTree(snapshot.folder)
  }
}

extension ScriptMachine {
  /// What a resumed machine is taken to cost the host at first: its private pages, not the memory that it shares with its
  /// siblings through the page cache. Measured: 17 MB at rest, 31 MB after a shell and some work. `MemoryMeter` sees what more
  /// it comes to.
  static let resumedCost: UInt64 = 64 << 20

  /// Brings a snapshot to life behind this handle.
  /// - Throws: `UnusableSnapshot` where no machine came of it; what the pool says.
  func resume(_ snapshot: Snapshot, origin: String) throws {
    let begin = Deadline.now
    try prepareForResume(snapshot, origin: origin)
    let host = try session.engine.host()
    let limit = Duration.seconds(30) * host.accelerator(for: snapshot.conditions.architecture).timeScale
    do {
      session.activity("resuming \(label)")
      let deadline = min(Deadline.after(limit), session.scriptDeadline)
      let resumed =
        try spare(of: snapshot, until: deadline) ?? fromNothing(snapshot, on: host, until: deadline)
      adopt(resumed, since: begin)
      watchCost()
    } catch {
      failedToStart("\(error)", console: (error as? BootFailure)?.console ?? [])
      // No room for a copy of it says nothing of the snapshot.
      if error is FixtureError { throw HarnessFault("\(error)") }
      throw UnusableSnapshot(cause: HarnessFault("\(error)"))
    }
  }

  /// A machine that was resumed ahead of need: it has only to go on, and to learn the time.
  private func spare(of snapshot: Snapshot, until deadline: Deadline) throws -> VirtualMachine? {
    guard session.workplace == nil, let spare = session.engine.spares.take(snapshot) else { return nil }
    noteRunning(spare.process)
    do {
      try spare.proceed(until: deadline)
      try spare.wakeUp(until: deadline)
      spare.session.forgetOperations()
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
      disks: memory?.disks,
      until: deadline,
      started: { process in noteRunning(process) }
    )
  }

  /// Puts the machine to rest; the handle is no longer booted.
  func putToRest(in folder: String) throws -> Snapshot {
    let machine = try usable()
    let host = try session.engine.host()
    let snapshot = try guarded("saving", allowance: .zero) {
      try machine.save(to: folder, host: host, until: $0)
    }
    rest()
    return snapshot
  }

  /// `vm:snapshot()`: the machine goes on from the very state that was kept.
  func takeSnapshot() throws -> Snapshot {
    let folder = try session.snapshotFolder()
    let snapshot = try putToRest(in: folder)
    try goOn(from: snapshot)
    return snapshot
  }

  /// `vm:restore(s)`: the handle, and the handles of its workers, stay the same.
  func restore(_ snapshot: Snapshot) throws {
    discard("restored")
    try goOn(from: snapshot)
  }

  private func goOn(from snapshot: Snapshot) throws {
    do { try resume(snapshot, origin: "restore") } catch let error as UnusableSnapshot { throw error.cause }
    let agent = try usable().agent
    for worker in livingWorkers {
      do { try worker.attach(to: agent, until: .after(.seconds(10))) } catch is GuestError {
        // Not of that state: its next use says so.
      }
    }
  }

  /// The sub-test starts from the state that the machine had at the file's first fresh one.
  func startAfresh() throws {
    if let freshStart {
      try restore(freshStart)
    } else if state == .booted {
      freshStart = try takeSnapshot()
    }
  }
}

extension FileSession {
  /// A machine that is to be put to rest writes its memory to a file; so do all machines of a fixture's script, as only
  /// its end tells which one is kept. Disks that it writes to are copies: a user's image stays what it is.
  func prepareForSnapshot(_ request: BootRequest, machine: Int) throws -> BootRequest {
    var request = request
    guard let folder = try workplace ?? (isFresh ? snapshotFolder() : nil) else { return request }
    request.backing = .sharedFile("\(folder)/memory-\(machine)")
    if workplace != nil {
      for index in request.disks.indices where !request.disks[index].isReadOnly {
        let copy = "\(folder)/disk\(index)-\(machine)"
        try Files.copySparse(request.disks[index].path, to: copy)
        request.disks[index].path = copy
        // What it writes belongs to the fixture; an overlay would be gone with it.
        request.disks[index].isSnapshot = false
      }
    }
    return request
  }

  /// In a fixture's script: a copy of the snapshot's memory and disks, to be written to. Only what is not zero is copied.
  func writableMemory(of snapshot: Snapshot) throws -> (memory: String, disks: [DiskOptions])? {
    guard let workplace, !snapshot.isStream else { return nil }
    let number = engine.nextMachineNumber()
    let memory = "\(workplace)/memory-\(number)"
    var disks = snapshot.disks
    do {
      try Files.copySparse(snapshot.memoryPath, to: memory)
      for index in disks.indices where !disks[index].isReadOnly {
        let copy = "\(workplace)/disk\(index)-\(number)"
        try Files.copySparse(Files.resolve(disks[index].path, against: snapshot.folder), to: copy)
        disks[index].path = copy
      }
    } catch { throw FixtureError.store(path: workplace, reason: "\(error)") }
    return (memory, disks)
  }

  /// A folder of its own for one snapshot, gone with the run. In a fixture's script it lies where the machine's memory does
  /// already, on the same file system.
  func snapshotFolder() throws -> String {
    let folder = "\(workplace ?? engine.run.path)/snapshots/\(engine.nextMachineNumber())"
    try Files.createDirectories(folder, mode: 0o700)
    return folder
  }
}
