import ProviumBlock
import ProviumLua
import ProviumRuntime
import ProviumSystem

/// `provium.crash_points{machine = vm, disk = "data", run = fn, check = fn, …}`
enum CrashPointLibrary {
  static func install(in state: LuaState, _ context: ScriptContext) throws {
    context.types.add { LuaObjectType<CrashRun>(name: "crash run", methods: [:]) }
    try state.runPrelude(
      source,
      natives: [
        name: { [unowned context] in try begin($0, context) },
        "finish": { [unowned context] in try finish($0, context) },
        "point": { [unowned context] in try point($0, context) },
        "enter": { [unowned context] in try enter($0, context) },
        "reductions": { [unowned context] in try reductions($0, context) },
        "seconds": { _ in [.number(Double(Deadline.now) / 1e9)] },
        "leave": { [unowned context] call in
          try run(call, context).end()
          return []
        },
      ]
    )
  }

  /// A check that fails where the contents of one machine's disk are exchanged is repeated in a machine that is resumed for
  /// it: only what fails there fails the sub-test.
  private static let source = #"""
    local native = ...
    local begin = native["provium.crash_points"]
    -- Looks for a part of the losses of a failed state that is enough to let the check fail.
    local function least_loss(run, index, options)
      local checks, found = 0, true
      while found do
        found = false
        for _, candidate in ipairs(native.reductions(run, index)) do
          checks = checks + 1
          if checks > 30 then break end
          native.enter(run, candidate, true)
          if not pcall(options.check, options.machine, native.point(run, candidate)) then
            index, found = candidate, true
            break
          end
        end
      end
      return native.point(run, index)
    end
    rawset(provium, "crash_points", function(options)
      local run = begin(options)
      options.run(options.machine)
      local count = native.finish(run)
      local failed, smallest = 0, nil
      local start = native.seconds()
      for index = 1, count do
        local point = native.point(run, index)
        local outcome = "left out"
        test(point.name, function()
          outcome = "failed"
          native.enter(run, index, false)
          if not pcall(options.check, options.machine, point) then
            native.enter(run, index, true)
            options.check(options.machine, point)
          end
          outcome = "passed"
        end)
        if outcome == "failed" then
          failed = failed + 1
          smallest = smallest or index
          print("crash point " .. index .. ": repeat it with --crash-point " .. point.id)
        end
      end
      local rate = math.floor(count * 60 / math.max(native.seconds() - start, 0.001) + 0.5)
      local least = smallest and least_loss(run, smallest, options)
      native.leave(run)
      local last = least and "; the smallest: " .. least.name .. ", --crash-point " .. least.id or ""
      print(string.format("crash points: %d states, %d failed, %d a minute%s", count, failed, rate, last))
      return {
        states = count, failed = failed, per_minute = rate,
        smallest = least and least.name, id = least and least.id,
      }
    end)
    """#

  private static let options = [
    "machine", "disk", "run", "check", "reorder", "torn", "max", "seed", "log",
  ]
  private static let name = "provium.crash_points"

  private static func run(_ call: LuaCall, _ context: ScriptContext) throws -> CrashRun {
    try call.argument(1, "run").object(try context.types.type(of: CrashRun.self))
  }

  private static func begin(_ call: LuaCall, _ context: ScriptContext) throws -> [LuaValue] {
    let options = try call.options(1, "options", known: options)
    guard let machine = options["machine"], let disk = options["disk"] else {
      throw call.misuse("options 'machine' and 'disk' must be given")
    }
    for key in ["run", "check"] {
      guard let function = options[key] else {
        throw call.misuse("option '\(key)' must be a function, got nothing")
      }
      _ = try function.function()
    }
    let search = try search(options)
    let log = try options["log"].map { Files.resolve(try $0.path(), against: context.configuration.root) }
    let vm = try machine.object(try context.types.type(of: VMObject.self))
    let run = try Misuse.translating(call) {
      try CrashRun(vm, disk: try disk.string(), options: search, logPath: log)
    }
    return [try context.types.value(run)]
  }

  private static func search(_ options: LuaOptions) throws -> CrashPointSearch.Options {
    var search = CrashPointSearch.Options()
    if let reorder = options["reorder"] { search.reorder = Int(try reorder.integer(in: 0...16)) }
    if let torn = options["torn"] { search.isTorn = try torn.boolean() }
    if let limit = options["max"] { search.limit = Int(try limit.integer(in: 1...100_000)) }
    if let seed = options["seed"] { search.seed = UInt64(bitPattern: try seed.integer()) }
    return search
  }

  private static func finish(_ call: LuaCall, _ context: ScriptContext) throws -> [LuaValue] {
    let run = try run(call, context)
    do { try run.finish() } catch let error as ProviumError where error.code == .invalidUse {
      throw LuaError.misuse("\(name): \(error.message)")
    }
    return [.integer(Int64(run.points.count))]
  }

  /// `{name, id, kind, requests, marks}`
  private static func point(_ call: LuaCall, _ context: ScriptContext) throws -> [LuaValue] {
    let run = try run(call, context)
    let index = try call.argument(2, "index").integer(in: 1...Int64(run.points.count))
    let point = run.points[Int(index) - 1]
    var table = LuaTable()
    table["name"] = .text("crash point \(index): \(point.description)")
    table["id"] = .text(point.identifier)
    table["kind"] = .text(point.kind.rawValue)
    table["requests"] = .integer(Int64(point.length))
    table["marks"] = .table(LuaTable(array: point.marks(of: run.log).map { .text($0) }))
    return [.table(table)]
  }

  private static func reductions(_ call: LuaCall, _ context: ScriptContext) throws -> [LuaValue] {
    let run = try run(call, context)
    let index = try call.argument(2, "index").integer(in: 1...Int64(run.points.count))
    let added = run.addReductions(of: Int(index) - 1)
    return [.table(LuaTable(array: added.map { .integer(Int64($0 + 1)) }))]
  }

  private static func enter(_ call: LuaCall, _ context: ScriptContext) throws -> [LuaValue] {
    let run = try run(call, context)
    let index = try call.argument(2, "index").integer(in: 1...Int64(run.points.count))
    try run.enter(Int(index) - 1, isFresh: try call.argument(3, "fresh").boolean())
    return []
  }
}
