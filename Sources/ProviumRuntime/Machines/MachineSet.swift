import ProviumSystem

/// The VM handles of one scope, in the order of their creation. Belongs to the scope's thread.
package final class MachineSet {
  package private(set) var all: [Machine] = []
  /// Handles that `addCopy` created.
  private var copies: [Machine] = []
  let context: MachineContext
  /// When `takeReports` ended last, and the greatest `lastUse` of all VMs then.
  private var lastTake: (at: UInt64, use: UInt64)?

  init(_ context: MachineContext) { self.context = context }

  /// Creates a handle without a VM.
  package func add(profile: Profile) -> Machine {
    let machine = Machine(profile: profile, context: context)
    machine.hostName = "vm\(all.count + 1)"
    all.append(machine)
    return machine
  }

  /// Creates a handle for a copy of a VM. It is not among `all`: sub-tests and reports do not know it.
  package func addCopy(of machine: Machine) -> Machine {
    let copy = Machine(profile: machine.profile, context: context)
    copy.hostName = machine.hostName
    copies.append(copy)
    return copy
  }

  /// Ends all copies.
  package func endCopies() {
    for copy in copies { copy.kill("no longer needed") }
    copies = []
  }

  package var count: Int { all.count }

  /// The VMs used after that count of operations, the last one first; if there are none, the one that was used last.
  package func used(since use: UInt64) -> [Machine] {
    let used = all.filter { $0.lastUse > use }.sorted { $0.lastUse > $1.lastUse }
    return used.isEmpty ? lastUsed.map { [$0] } ?? [] : used
  }

  /// The VM that was used last: failures show its console.
  private var lastUsed: Machine? { all.filter { $0.lastUse > 0 }.max { $0.lastUse < $1.lastUse } }

  /// Shuts every VM down.
  package func shutDownAll() { for machine in all { machine.shutDown() } }

  /// Ends every VM at the end of the scope, without asking the guests.
  package func endAll() {
    endCopies()
    for machine in all {
      machine.kill("the file ended")
      machine.freshStart = nil
    }
  }

  /// Ends the VMs that a fresh sub-test created after the first `count`: the next one does not see them.
  package func end(after count: Int) {
    for machine in all.dropFirst(count) {
      machine.kill("its sub-test ended")
      machine.releaseDisks()
    }
  }

  /// Writes a line into the traces of the VMs: what begins, or continues, here.
  package func mark(_ text: String) { for machine in all { machine.operations.mark(text) } }

  /// Whether `takeReports` ended less than a millisecond ago and no VM was used since: a further call would only cost another
  /// round trip to each guest.
  package var hasJustTakenReports: Bool {
    guard let lastTake else { return false }
    return Deadline.now - lastTake.at < 1_000_000 && lastTake.use == newestUse
  }

  private var newestUse: UInt64 { all.map(\.lastUse).max() ?? 0 }

  /// Takes the kernel reports on the consoles, also on those of VMs that ended, since the last call.
  /// - Parameter own: the VMs; nil: all.
  package func takeReports(of own: [Machine]? = nil) -> KernelReportFindings {
    let all = own ?? all
    let allowed = context.services.configuration.settings.allowedSplats
    var findings = KernelReportFindings()
    // All guests answer at the same time. Branches take turns with a VM, so there each VM is asked in its turn.
    let questions = all.map { machine -> Machine.ReportQuestion? in
      guard context.branches == nil else {
        machine.catchUpWithReports()
        return nil
      }
      return machine.askForReports()
    }
    for (machine, question) in zip(all, questions) {
      findings.add(machine.takeReports(allowed: allowed, after: question))
    }
    lastTake = (Deadline.now, newestUse)
    return findings
  }

  /// Completes the files of the kernel logs of all VMs, since a test failed. Blocks for some milliseconds for each VM.
  package func keepKernelLogs() { for machine in all { machine.keepKernelLog() } }

  /// Returns each VM and the impairments of each network to the state that they had at the file's first fresh sub-test.
  package func startFresh() throws {
    for machine in all { try machine.startFresh() }
    for network in context.networks.all { network.startFresh() }
    try updateHosts()
  }
}
