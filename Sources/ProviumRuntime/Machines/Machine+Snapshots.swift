import Logging
import ProviumAgentClient
import ProviumSystem
package import ProviumVM

/// Saving and resuming.
extension Machine {
  /// Resumes a snapshot in this handle.
  /// - Parameter admitted: the reservation for it; nil: the pool is asked for one.
  /// - Throws: `UnusableSnapshot` if no VM resulted from it; `PoolError`.
  func resume(_ snapshot: Snapshot, origin: ResumeOrigin, admitted: MachineReservation? = nil) throws {
    let begin = Deadline.now
    try admitResume(of: snapshot, admitted: admitted)
    let host = context.services.host
    context.activity("resuming \(label)")
    let limit = TimeLimit(
      of: "the resume's",
      length: context.services.configuration.settings.bootTimeout,
      multiplier: context.services.timeoutMultiplier(for: snapshot.conditions.architecture),
      sample: { [process] in process.sample }
    )
    let deadline = Deadline.earliest(limit.deadline, context.limits.deadline)
    do {
      let machine = try context.waiting(for: queue) {
        let warm = warm(of: snapshot, until: deadline)
        // Whether a warm VM was used is known only now.
        announceResume(of: snapshot, origin: origin.text(isWarm: warm != nil))
        let machine = try warm ?? cold(snapshot, on: host, until: deadline)
        do { try joinNetworks(machine, until: deadline) } catch {
          machine.kill()
          throw error
        }
        return machine
      }
      adopt(machine, since: begin)
      // A handle that booted its VM knows more than the snapshot: the injected files.
      if case .fixture = origin {
        bootConfiguration = snapshot.lacksFiles == true ? nil : snapshot.configuration
      }
      watchCost()
    } catch {
      let failure = failedToStart(error)
      // A full disk says nothing about the snapshot.
      if error is StorageError { throw failure }
      throw UnusableSnapshot(cause: failure)
    }
  }

  /// Takes a warm VM, continues it, and sets its clock; nil if there is none.
  private func warm(of snapshot: Snapshot, until deadline: Deadline) -> VirtualMachine? {
    // The memory of a kept VM is made for each resume.
    guard context.workFolder == nil, snapshot.kept == nil, let warm = context.services.warmPool.take(snapshot)
    else { return nil }
    context.services.debugLogs.take(warm.log, for: identifier)
    log = warm.log
    log.debug("taken from the warm VMs")
    context.inTurn { noteRunning(warm.process) }
    do {
      try warm.proceedAndWakeUp(until: deadline)
      warm.agent.operations.forget()
      return warm
    } catch {
      // A warm VM only saves time: the snapshot is resumed instead.
      warm.kill()
      return nil
    }
  }

  private func cold(_ snapshot: Snapshot, on host: MachineHost, until deadline: Deadline) throws
    -> VirtualMachine
  {
    let memory = try context.writableMemory(of: snapshot) ?? context.assembledMemory(of: snapshot)
    return try VirtualMachine.resume(
      snapshot,
      on: host,
      writingTo: memory?.memory,
      diskFiles: memory?.disks,
      until: deadline,
      started: { process in context.inTurn { noteRunning(process) } },
      log: log
    )
  }

  /// Saves the VM's state and stops it; the handle is no longer booted. If that fails, the VM is dead.
  package func save(to folder: String) throws -> Snapshot {
    let machine = try usable()
    try checkDisksCanBeSaved(of: machine)
    do {
      var snapshot = try guarded("saving", on: machine, allowance: .zero) {
        try machine.save(to: folder, host: context.services.host, until: $0)
      }
      if bootConfiguration == nil { snapshot.lacksFiles = true }
      end(.paused, reason: "saved")
      return snapshot
    } catch {
      // A VM that was stopped in order to be saved cannot continue.
      throw died(
        "\(label) could not be saved, and is gone: \((error as? ProviumError)?.message ?? "\(error)")",
        machine,
        cause: error
      )
    }
  }

  /// Takes a snapshot; the VM continues from the very state that was saved.
  /// - Parameter isForMany: many VMs will be resumed from the snapshot: it takes longer to make, and each resume is shorter.
  package func takeSnapshot(isForMany: Bool = false) throws -> MachineSnapshot {
    try checkDisksCanBeSaved(of: try usable())
    let folder = try context.snapshotFolder()
    let snapshot: MachineSnapshot
    let faults = disks.mapValues(\.policy)
    var reservation: MachineReservation?
    do {
      var saved = try save(to: folder)
      if isForMany {
        reservation = try context.admit(resumeRequest(for: saved))
        saved = try moveMemory(of: saved)
      }
      snapshot = own(RestorePoint(snapshot: saved, lineage: lineage, faults: faults, interfaces: interfaces))
    } catch {
      try? Files.removeTree(folder)
      throw error
    }
    try resume(from: snapshot.point, admitted: reservation)
    return snapshot
  }

  /// Moves the memory of a snapshot into a file: see `VirtualMachine.moveMemory`.
  private func moveMemory(of saved: Snapshot) throws -> Snapshot {
    let services = context.services
    let limit = TimeLimit(
      of: "the save's",
      length: services.configuration.settings.bootTimeout,
      multiplier: services.timeoutMultiplier(for: saved.conditions.architecture),
      sample: { [process] in process.sample }
    )
    let deadline = Deadline.earliest(limit.deadline, context.limits.deadline)
    do {
      return try context.waiting(for: queue) {
        try VirtualMachine.moveMemory(
          of: saved,
          on: services.host,
          until: deadline,
          started: { process in context.inTurn { noteRunning(process) } },
          log: log
        )
      }
    } catch { throw failedToStart(error) }
  }

  /// Returns the VM to the state of a snapshot. The handles of the VM and its workers stay the same.
  /// - Throws: `ProviumError` with `.invalidUse` for a snapshot of another handle.
  package func restore(_ snapshot: MachineSnapshot) throws {
    try checkMayUse()
    guard snapshot.machine == ObjectIdentifier(self) else {
      throw ProviumError(.invalidUse, "the snapshot is another machine's")
    }
    discard("restored")
    try resume(from: snapshot.point)
  }

  private func own(_ point: RestorePoint, fixture: (any Sendable)? = nil) -> MachineSnapshot {
    MachineSnapshot(
      point,
      of: ObjectIdentifier(self),
      fixture: fixture,
      warmPool: context.services.warmPool
    )
  }

  func resume(from point: RestorePoint, admitted: MachineReservation? = nil) throws {
    let earlier = operations
    interfaces = point.interfaces
    for (interface, isUp) in zip(point.interfaces, point.links) { interface.isUp = isUp }
    do { try resume(point.snapshot, origin: .snapshot, admitted: admitted) } catch let error
      as UnusableSnapshot
    {
      throw error.cause
    }
    for (id, faults) in point.faults { disks[id]?.policy = faults }
    lineage = point.lineage.continued
    defer { continueTrace(of: earlier) }
    try attachWorkers()
  }

  /// Returns the VM to the state that it had at the file's first fresh sub-test, or keeps that state if this is the first.
  func startFresh() throws {
    switch freshStart {
    case .booted(let snapshot): try restore(snapshot)
    case .absent(let before): if state == .booted || state == .paused { goBack(to: before) }
    case nil: freshStart = try state == .booted ? .booted(takeFreshStart()) : .absent(state)
    }
  }

  /// The state of a VM that was resumed from a fixture and not used since is in the fixture's own files.
  private func takeFreshStart() throws -> MachineSnapshot {
    guard let fixture = untouchedStart else { return try takeSnapshot() }
    let point = RestorePoint(snapshot: fixture.snapshot, lineage: lineage, interfaces: interfaces)
    return own(point, fixture: fixture.hold)
  }
}

/// QEMU made no VM from a snapshot.
struct UnusableSnapshot: Error {
  let cause: ProviumError
}
