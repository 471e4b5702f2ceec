import ProviumArchitecture
import ProviumAgentClient
import ProviumLua
import ProviumVM
import ProviumSystem

/// A worker as a script holds it: the methods of a machine but boot, shutdown and spawn.
///
/// The handle stays the same when its machine goes back to a state in which the worker runs; in a state that knows nothing
/// of the worker it is good for nothing.
final class ScriptWorker: GuestHolder {
  private enum Standing {
    case attached(GuestWorker)
    case absent(any Error)
  }
  private var standing: Standing
  private let machine: ScriptMachine
  /// When it was spawned, as `MachineHistory` counts.
  private let birth: Int
  private let number: UInt32
  private let isThread: Bool
  let pid: Int32
  /// For messages: "worker 3 (pid 57)".
  let name: String

  init(_ worker: GuestWorker, of machine: ScriptMachine) {
    standing = .attached(worker)
    self.machine = machine
    birth = machine.history.stretch
    number = worker.number
    isThread = worker.isThread
    pid = worker.pid
    name = worker.session.name
  }

  var session: FileSession { machine.session }
  var architecture: Architecture { machine.architecture }
  var history: MachineHistory { machine.history }
  var jobHolder: String { name }
  var timeScale: Double { machine.timeScale }

  func perform<Value>(
    _ what: String,
    allowance: Duration,
    _ operation: (GuestSession, Deadline) throws -> Value
  ) throws -> Value {
    let home = try machine.usable()
    guard belongs else { throw UnnamedMisuse("\(name) belonged to an earlier boot of the machine") }
    switch standing {
    case .absent(let reason): throw reason
    case .attached(let worker):
      return try machine.guarded("\(name): \(what)", on: home, allowance: allowance) {
        do {
          return try operation(worker.session, $0)
        } catch GuestError.unresponsive(let message) {
          throw Self.end(worker, of: home, because: message)
        }
      }
    }
  }

  /// Its operation could not be interrupted: the worker goes, and its machine only if the worker cannot.
  private static func end(_ worker: GuestWorker, of home: VirtualMachine, because message: String)
    -> GuestError
  {
    do {
      try home.agent.kill(worker, until: .after(killPatience))
      return .lost(.worker(worker.number), "\(message): the worker was killed")
    } catch {
      return .unresponsive("\(message), nor killed")
    }
  }

  private static let killPatience = Duration.seconds(2)

  /// Whether it was spawned in what lies behind the machine's present state.
  var belongs: Bool { machine.history.contains(birth) }

  /// The machine that it was connected to is gone.
  func detach() {
    if case .attached = standing { standing = .absent(HarnessFault("\(name) is gone with its machine")) }
  }

  /// After its machine was put to rest and resumed: connects to it again, if it is one of those that run there.
  /// - Parameter running: those that nobody has connected to yet.
  func attach(to agent: GuestAgent, among running: inout [GuestState.Worker], until deadline: Deadline) {
    guard let index = running.firstIndex(where: { $0.number == number && $0.pid == pid }) else {
      standing = .absent(LuaError.misuse("\(name) had ended before the snapshot was taken"))
      return
    }
    running.remove(at: index)
    do {
      standing = .attached(
        try agent.attachWorker(number, pid: pid, isThread: isThread, until: deadline)
      )
    } catch { standing = .absent(HarnessFault("\(error)")) }
  }

  /// Twice is fine; so is one that went with an earlier boot.
  func kill() throws {
    guard case .attached(let worker) = standing, belongs, let home = try? machine.usable() else { return }
    standing = .absent(LuaError.misuse("\(name) was killed"))
    try machine.guarded("kill \(name)", on: home, allowance: .zero) {
      try home.agent.kill(worker, until: $0)
    }
  }

  /// The Lua type `worker`, for one state.
  static func makeType() -> LuaObjectType<ScriptWorker> {
    LuaObjectType<ScriptWorker>(
      name: "worker",
      methodList: GuestMethods.all(ScriptWorker.self) + [
        (
          "kill",
          { worker, call in
            try call.expect(atMost: 0)
            try worker.kill()
            return []
          }
        ),
        (
          "pid",
          { worker, call in
            try call.expect(atMost: 0)
            return [.integer(Int64(worker.pid))]
          }
        ),
      ],
      memberNames: ["sys"],
      member: { $1 == "sys" ? GuestNumbers.value(of: $0) : nil },
      describe: { $0.name }
    )
  }
}
