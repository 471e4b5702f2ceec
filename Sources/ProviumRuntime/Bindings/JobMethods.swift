import ProviumGuest
import ProviumLua
import ProviumSystem

/// Background jobs. A job is the table `{id, pid}` that `background` gave.
enum JobMethods {
  static func background<Holder: GuestHolder>(_ holder: Holder, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let command = ByteString(try call.bytes(1, "cmd"))
    let job = try holder.perform("background \(GuestMethods.brief(command))") {
      try $0.background(command, until: $1)
    }
    return [["id": .integer(Int64(job.id)), "pid": .integer(Int64(job.pid))]]
  }

  static func wait<Holder: GuestHolder>(_ holder: Holder, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 2)
    let id = try job(call)
    let timeout = try call.optional(2, "timeout")?.duration() ?? .zero
    let result = try holder.perform("job_wait \(id)", allowance: timeout) {
      try $0.collect(job: id, wait: timeout, until: $1)
    }
    return [ResultTables.job(result)]
  }

  static func kill<Holder: GuestHolder>(_ holder: Holder, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let id = try job(call)
    let result = try holder.perform("job_kill \(id)") { try $0.collect(job: id, kill: true, until: $1) }
    return [ResultTables.job(result)]
  }

  private static func job(_ call: LuaCall) throws -> UInt32 {
    let argument = call.argument(1, "job")
    if let id = argument.value.table?["id"].integer ?? argument.value.integer,
      let number = UInt32(exactly: id)
    {
      return number
    }
    throw argument.expected("a job that background() gave")
  }
}
