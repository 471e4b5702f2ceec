/// The VM handles of one scope, in the order of their creation. Belongs to the scope's thread.
package final class MachineSet {
  package private(set) var all: [Machine] = []
  let context: MachineContext

  init(_ context: MachineContext) { self.context = context }

  /// Creates a handle without a VM.
  package func add(profile: Profile) -> Machine {
    let machine = Machine(profile: profile, context: context)
    machine.hostName = "vm\(all.count + 1)"
    all.append(machine)
    return machine
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
    for machine in all {
      machine.kill("the file ended")
      machine.freshStart = nil
    }
  }

  /// Ends the VMs that a fresh sub-test created after the first `count`: the next one does not see them.
  package func end(after count: Int) {
    for machine in all.dropFirst(count) { machine.kill("its sub-test ended") }
  }

  /// Writes a line into the traces of the VMs: what begins, or continues, here.
  package func mark(_ text: String) { for machine in all { machine.operations.mark(text) } }

  /// Takes the kernel reports on all consoles, also on those of VMs that ended, since the last call.
  package func takeReports() -> KernelReportFindings {
    let allowed = context.services.configuration.settings.allowedSplats
    var findings = KernelReportFindings()
    for machine in all { findings.add(machine.takeReports(allowed: allowed)) }
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
