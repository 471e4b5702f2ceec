import ProviumEvents
import ProviumSystem
import Synchronization

/// The machines of one file, in the order of their creation. All but `killAll` belong to the file's thread.
final class SessionMachines: Sendable {
  private let machines = Mutex<[ScriptMachine]>([])

  func add(profile: Profile, session: FileSession) -> ScriptMachine {
    let machine = ScriptMachine(profile: profile, session: session)
    machines.withLock { $0.append(machine) }
    return machine
  }

  var all: [ScriptMachine] { machines.withLock { $0 } }
  var count: Int { machines.withLock { $0.count } }
  /// The one that the script used last: whose console a failure shows.
  var lastUsed: ScriptMachine? { all.filter { $0.lastUse > 0 }.max { $0.lastUse < $1.lastUse } }
  /// The one that a fixture keeps.
  var lastCreated: ScriptMachine? { machines.withLock { $0.last } }

  /// `provium.shutdown_all()`.
  func shutDownAll() { for machine in all { machine.shutDown() } }

  /// At the end of the file. A machine is ended, not asked: nobody looks at it any more.
  func endAll() { for machine in all { machine.kill("the file ended") } }

  /// From any thread: ends what the file's thread may be waiting for.
  func killAll() { for machine in all { machine.killFromOutside() } }

  /// Of the machine that was created last and runs, whatever the file's thread does. Any thread.
  var consoleTail: [String] { all.reversed().lazy.compactMap(\.tailFromOutside).first ?? [] }

  /// The reports on all consoles, and on those of machines that are gone, since the last look.
  func takeReports(allowed: [String]) -> FoundReports {
    var found = FoundReports()
    for machine in all {
      let (reports, lost) = machine.takeReports(allowed: allowed)
      found.add(reports, lost: lost, of: machine.label)
    }
    return found
  }

  /// Each sub-test starts from the state that the machines had at the file's first one.
  func startAfresh(_ session: FileSession) throws {
    for machine in all { try machine.startAfresh() }
  }
}
