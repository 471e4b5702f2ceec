import ProviumLua

/// The methods of a worker that a VM does not have, and the Lua type `worker`.
enum WorkerMethods {
  static func makeType() -> LuaObjectType<WorkerObject> {
    LuaObjectType<WorkerObject>(
      name: "worker",
      methodList: GuestMethods.all(WorkerObject.self) + Misuse.translated([("kill", kill), ("pid", pid)]),
      memberNames: ["sys"],
      member: { try $1 == "sys" ? GuestNumbers.value(of: $0) : nil },
      describe: { $0.worker.name }
    )
  }

  private static func kill(_ object: WorkerObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    try object.machine.kill(object.worker)
    return []
  }

  private static func pid(_ object: WorkerObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    return [.integer(Int64(object.worker.pid))]
  }
}
