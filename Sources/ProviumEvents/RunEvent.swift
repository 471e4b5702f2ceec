/// Everything that happens in a run, in order. The terminal, the report formats and the Swift Testing bridge
/// all read this one stream.
///
/// `Docs/Events.md` describes the encoded form, in which an event is an object with one member: its name.
/// `EventLine` writes it as a line. A case added here needs its name in `CodingKeys`.
package enum RunEvent: Sendable, Codable {
  case runStarted(RunHeader)
  case fileStarted(file: String, attempt: Int)
  /// The current activity of a file, for people who watch: `booting default: kernel`, `exec make check`.
  case activity(file: String, text: String)
  case subTestStarted(file: String, path: [String], location: ScriptLocation)
  /// The text of one `print`; `path` is empty outside sub-tests.
  case output(file: String, path: [String], text: String)
  case subTestEnded(file: String, result: SubTestResult)
  case machineStarted(MachineDescription)
  /// The VM's agent has answered, `duration` seconds after the VM's start.
  case machineReady(id: Int, duration: Double, kernel: String?)
  case machineEnded(id: Int, reason: String)
  /// A file asks the resource pool for memory (bytes) and processors, and has to wait.
  case poolWaiting(file: String, memory: UInt64, cpus: Int)
  /// The pool has granted a reservation after `waited` seconds. `file` is empty for warm VMs.
  case poolGranted(file: String, claim: Int, memory: UInt64, cpus: Int, waited: Double)
  /// A reservation holds `memory` bytes by now, more than it asked for.
  case poolGrown(file: String, claim: Int, memory: UInt64)
  /// The reservation has been given back.
  case poolReleased(file: String, claim: Int)
  /// A message that is shown once, above the results: a fixture was rebuilt, a file is run again.
  case warning(file: String?, text: String)
  case fileEnded(FileResult)
  case runEnded(RunSummary)

  package enum CodingKeys: String, CodingKey {
    case runStarted = "run_started"
    case fileStarted = "file_started"
    case activity
    case subTestStarted = "subtest_started"
    case output
    case subTestEnded = "subtest_ended"
    case machineStarted = "machine_started"
    case machineReady = "machine_ready"
    case machineEnded = "machine_ended"
    case poolWaiting = "pool_waiting"
    case poolGranted = "pool_granted"
    case poolGrown = "pool_grown"
    case poolReleased = "pool_released"
    case warning
    case fileEnded = "file_ended"
    case runEnded = "run_ended"
  }
  private enum MachineReadyCodingKeys: String, CodingKey {
    case id = "machine"
    case duration, kernel
  }
  private enum MachineEndedCodingKeys: String, CodingKey {
    case id = "machine"
    case reason
  }
}
