import ProviumAgentClient
import ProviumLua
import ProviumRuntime
import ProviumSystem

/// The methods for background jobs. A job is the table `{id, pid}` that `background` returned. Its fields
/// `holder` and `boot` say which object started it, and in which epoch.
enum JobMethods {
  static func background<Object: GuestObject>(_ object: Object, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let command = ByteString(try call.bytes(1, "cmd"))
    let job = try object.perform("background \(command.brief)") {
      try $0.background(command, until: $1)
    }
    return [
      [
        "id": .integer(Int64(job.id)), "pid": .integer(Int64(job.pid)), "holder": .text(object.jobHolder),
        "boot": .integer(Int64(object.machine.lineage.epoch)),
      ]
    ]
  }

  static func wait<Object: GuestObject>(_ object: Object, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 2)
    let id = try job(call, object)
    let timeout = try call.optional(2, "timeout")?.duration() ?? .zero
    let result = try object.perform("job_wait \(id)", allowance: timeout) {
      try $0.collect(job: id, wait: timeout, until: $1)
    }
    return [ResultTables.job(result)]
  }

  static func kill<Object: GuestObject>(_ object: Object, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let id = try job(call, object)
    let result = try object.perform("job_kill \(id)") { try $0.collect(job: id, kill: true, until: $1) }
    return [ResultTables.job(result)]
  }

  /// Reads the argument `job`, and returns the number by which the object's agent knows it.
  private static func job<Object: GuestObject>(_ call: LuaCall, _ object: Object) throws -> UInt32 {
    let argument = call.argument(1, "job")
    let table = argument.value.table
    guard let id = table?["id"].integer ?? argument.value.integer, let number = UInt32(exactly: id) else {
      throw argument.expected("a job that background() gave")
    }
    if let owner = table?["holder"].text, owner != object.jobHolder {
      throw call.misuse("argument 'job': job \(id) is a job of \(owner), not of \(object.jobHolder)")
    }
    if let boot = table?["boot"].integer, !object.machine.lineage.contains(Int(boot)) {
      throw call.misuse(
        "argument 'job': job \(id) belonged to an earlier boot of the machine, or to another machine"
      )
    }
    return number
  }
}
