import ProviumGuest
import ProviumLua
import ProviumSystem

/// A worker as a script holds it: the methods of a machine but boot, shutdown and spawn.
final class ScriptWorker: GuestHolder {
  private var worker: GuestWorker
  private let machine: ScriptMachine
  private var isKilled = false

  init(_ worker: GuestWorker, of machine: ScriptMachine) {
    self.worker = worker
    self.machine = machine
  }

  var session: FileSession { machine.session }
  var architecture: GuestArchitecture { machine.architecture }
  var timeScale: Double { machine.timeScale }
  var pid: Int32 { worker.pid }

  func perform<Value>(
    _ what: String,
    allowance: Duration,
    _ operation: (GuestSession, Deadline) throws -> Value
  ) throws -> Value {
    guard !isKilled else { throw LuaError.misuse("\(worker.session.name) was killed") }
    _ = try machine.usable()
    return try machine.guarded("\(worker.session.name): \(what)", allowance: allowance) {
      try operation(worker.session, $0)
    }
  }

  /// After its machine was put to rest and resumed: the worker is still there, its connection is not.
  func attach(to agent: GuestAgent, until deadline: Deadline) throws {
    guard !isKilled else { return }
    worker = try agent.attachWorker(
      worker.number,
      pid: worker.pid,
      isThread: worker.isThread,
      until: deadline
    )
  }

  /// Twice is fine.
  func kill() throws {
    guard !isKilled, machine.state == .booted, let running = machine.machine else { return }
    isKilled = true
    try machine.guarded("kill \(worker.session.name)", allowance: .zero) {
      try running.agent.kill(worker, until: $0)
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
        ("pid", { worker, _ in [.integer(Int64(worker.pid))] }),
      ],
      describe: { $0.worker.session.name }
    )
  }
}
