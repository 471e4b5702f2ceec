import Glibc
import ProviumEvents
import ProviumSystem
import ProviumVM

/// Keeping the VM of a failed test.
extension Machine {
  /// The longest time that saving one VM may take.
  private static let limit = Duration.seconds(60)

  /// Whether there is a VM to keep.
  var mayBeKept: Bool {
    savedFailure != nil || (virtualMachine != nil && (state == .booted || state == .paused))
  }

  /// The longest time that facts about one VM may take.
  private static let factsLimit = Duration.seconds(2)

  /// Gathers what is known about the VM of a failed test, if its agent answers.
  func collectFacts() -> [FailureFacts] {
    guard let virtualMachine, state == .booted, !isHalted, virtualMachine.causeOfDeath == nil else {
      return []
    }
    let deadline = Deadline.after(Self.factsLimit)
    let guest = FailedGuest(virtualMachine.connection) { [interfaces] most in
      interfaces.flatMap { $0.network.network.recentLines(most, of: $0.port) }
    }
    return operations.unrecorded {
      context.services.failures.collectors.compactMap { collector in
        guard !deadline.isExpired, virtualMachine.connection.isUsable,
          let lines = try? collector.collect(from: guest, until: deadline), !lines.isEmpty
        else { return nil }
        return FailureFacts(title: "\(collector.title) of \(label)", lines: lines)
      }
    }
  }

  /// Saves the VM, which is about to be ended because it died, if failed VMs are kept: its test may fail.
  func saveDying(_ machine: VirtualMachine, because reason: String) {
    saveEnding { try save(machine, death: reason) }
  }

  /// Saves a VM that did not boot, in the same way.
  func saveUnbooted(_ machine: UnbootedMachine) {
    saveEnding {
      try save(machine.process, death: "the boot failed: \(machine.reason)") {
        try machine.keep(in: $0, until: $1)
      }
    }
  }

  private func saveEnding(_ save: () throws -> SavedFailure) {
    savedFailure = nil
    guard context.services.failures.isOpen, context.workFolder == nil, !context.cancellation.isRequested
    else {
      return
    }
    do { savedFailure = try save() } catch {
      log.debug("not kept: \(error)")
    }
  }

  private func save(_ machine: VirtualMachine, death: String?) throws -> SavedFailure {
    try save(machine.process, death: death) { folder, deadline in
      try operations.unrecorded { try machine.keep(in: folder, isPaused: isHalted, until: deadline) }
    }
  }

  private func save(
    _ process: QEMUProcess,
    death: String?,
    write: (_ folder: String, Deadline) throws -> (Snapshot, KeptCondition)
  ) throws -> SavedFailure {
    context.activity("keeping \(label)")
    let begin = Deadline.now
    let saving = try context.services.failures.store.begin()
    let deadline = FairDeadline(length: Self.limit, sample: { [slot = self.process] in slot.sample }).deadline
    let (snapshot, condition) = try write(saving.path, deadline)
    try? Files.copySparse(process.console.path, to: "\(saving.path)/console.log")
    // A second device on one network writes the same file again.
    for network in interfaces.map(\.network) {
      let name = MachineFiles.captureName(of: network.name)
      _ = try? network.writeRecentFrames(to: "\(saving.path)/\(name)")
    }
    return SavedFailure(
      saving,
      snapshot: snapshot,
      condition: condition,
      death: death,
      duration: Double(Deadline.now - begin) / 1e9
    )
  }

  /// Resumes a copy of a kept VM in this handle, which was not used before.
  package func open(_ kept: KeptFailure) throws {
    do { try resume(kept.snapshot, origin: .kept(kept.id)) } catch let error as UnusableSnapshot {
      throw error.cause
    }
  }

  /// Keeps the VM, which goes on, or its state before it died.
  func keep(_ failure: Failure, of path: [String]) throws -> KeptVM? {
    let store = context.services.failures.store
    let saved: SavedFailure
    if let virtualMachine, state == .booted || state == .paused {
      saved = try save(virtualMachine, death: virtualMachine.causeOfDeath.map { "\($0)" })
    } else if let savedFailure {
      saved = savedFailure
    } else {
      return nil
    }
    savedFailure = nil
    let before = startSnapshot.flatMap {
      try? $0.linked(in: "\(saved.saving.path)/\(KeptFailure.beforeName)")
    }
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    let kept = KeptFailure(
      id: store.newID(),
      file: context.name,
      path: path,
      message: failure.summary,
      machine: label,
      profile: profile.name,
      condition: saved.condition,
      death: saved.death,
      keptAt: Double(time.tv_sec) + Double(time.tv_nsec) / 1e9,
      duration: saved.duration,
      kernel: profile.kernel,
      snapshot: saved.snapshot,
      before: before
    )
    try saved.saving.publish(kept)
    store.makeRoom()
    return KeptVM(id: kept.id, machine: label, condition: kept.condition.rawValue)
  }
}
