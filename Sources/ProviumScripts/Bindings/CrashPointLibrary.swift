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
        "batch": { [unowned context] in try batch($0, context) },
        "check": { [unowned context] in try check($0, context) },
        "next": { [unowned context] in try next($0, context) },
        "done": { [unowned context] in try done($0, context) },
        "verdict": { [unowned context] in try verdict($0, context) },
        "confirm": { [unowned context] in try confirm($0, context) },
        "seconds": { _ in [.number(Double(Deadline.now) / 1e9)] },
        "leave": { [unowned context] call in
          try run(call, context).end()
          return []
        },
      ]
    )
  }

  /// Checks run side by side, each in a VM whose disk is exchanged after it. A check that does not pass there is repeated in a
  /// VM that is resumed for it, in the order of the crash points: only what fails then fails the sub-test.
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
    -- Checks states of a batch until there are none.
    local function checker(run, number, options)
      return function()
        while true do
          local index = native.next(run, number)
          if not index then return end
          local point = native.point(run, index)
          native.done(run, number, index, (pcall(options.check, options.machine, point)))
        end
      end
    end
    local function check_batch(run, first, options)
      local last, count = native.batch(run, first)
      local checkers = {}
      for number = 1, count do checkers[number] = checker(run, number, options) end
      if count > 0 then native.check(run, checkers) end
      return last
    end
    local function verify(run, index, options)
      local verdict = native.verdict(run, index)
      if verdict == "passed" then return end
      local point = native.point(run, index)
      if verdict == "unchecked" and not options.fresh then
        native.enter(run, index, false)
        if pcall(options.check, options.machine, point) then return end
      end
      native.enter(run, index, true)
      options.check(options.machine, point)
      native.confirm(run, index)
    end
    rawset(provium, "crash_points", function(options)
      local run = begin(options)
      options.run(options.machine)
      local count = native.finish(run)
      local failed, smallest = 0, nil
      local start = native.seconds()
      local last = 0
      for index = 1, count do
        if index > last then last = check_batch(run, index, options) end
        local point = native.point(run, index)
        local outcome = "left out"
        test(point.name, function()
          outcome = "failed"
          verify(run, index, options)
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
    "machine", "disk", "run", "check", "reorder", "torn", "max", "seed", "log", "at_once", "fresh",
  ]
  private static let name = "provium.crash_points"

  /// The index of a crash point, which scripts count from 1.
  private static func index(_ call: LuaCall, _ number: Int, of run: CrashRun) throws -> Int {
    Int(try call.argument(number, "index").integer(in: 1...Int64(max(1, run.points.count)))) - 1
  }

  private static func testName(of point: CrashPoint, at index: Int) -> String {
    "crash point \(index + 1): \(point.description)"
  }

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
      try CrashRun(
        vm,
        disk: try disk.string(),
        options: search,
        logPath: log,
        isFresh: try options["fresh"]?.boolean() ?? false,
        most: try options["at_once"].map { Int(try $0.integer(in: 1...Int64(ConcurrentCalls.most))) }
      )
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
    let index = try index(call, 2, of: run)
    let point = run.points[index]
    var table = LuaTable()
    table["name"] = .text(testName(of: point, at: index))
    table["id"] = .text(point.identifier)
    table["kind"] = .text(point.kind.rawValue)
    table["requests"] = .integer(Int64(point.length))
    table["marks"] = .table(LuaTable(array: point.marks(of: run.log).map { .text($0) }))
    return [.table(table)]
  }

  private static func reductions(_ call: LuaCall, _ context: ScriptContext) throws -> [LuaValue] {
    let run = try run(call, context)
    let added = run.addReductions(of: try index(call, 2, of: run))
    return [.table(LuaTable(array: added.map { .integer(Int64($0 + 1)) }))]
  }

  private static func enter(_ call: LuaCall, _ context: ScriptContext) throws -> [LuaValue] {
    let run = try run(call, context)
    try run.enter(try index(call, 2, of: run), isFresh: try call.argument(3, "fresh").boolean())
    return []
  }

  // MARK: Checks side by side

  /// Begins a batch; returns the last crash point of it and the number of checkers.
  private static func batch(_ call: LuaCall, _ context: ScriptContext) throws -> [LuaValue] {
    let run = try run(call, context)
    let (range, checkers) = run.beginBatch(from: try index(call, 2, of: run)) { range in
      range.map { testName(of: run.points[$0], at: $0) }
    }
    return [.integer(Int64(range.upperBound)), .integer(Int64(checkers))]
  }

  private static func check(_ call: LuaCall, _ context: ScriptContext) throws -> [LuaValue] {
    let functions = try call.argument(2, "checkers").list().map { try $0.function() }
    try run(call, context).check(by: functions, in: call.state)
    return []
  }

  private static func next(_ call: LuaCall, _ context: ScriptContext) throws -> [LuaValue] {
    let number = Int(try call.argument(2, "number").integer(in: 1...Int64(ConcurrentCalls.most)))
    return [try run(call, context).begin(number).map { .integer(Int64($0 + 1)) } ?? .nil]
  }

  private static func done(_ call: LuaCall, _ context: ScriptContext) throws -> [LuaValue] {
    let run = try run(call, context)
    let number = Int(try call.argument(2, "number").integer(in: 1...Int64(ConcurrentCalls.most)))
    run.end(number, try index(call, 3, of: run), hasPassed: try call.argument(4, "passed").boolean())
    return []
  }

  /// Returns `"passed"`, `"failed"` or `"unchecked"`. The sub-test gets the output of a check that has passed.
  private static func verdict(_ call: LuaCall, _ context: ScriptContext) throws -> [LuaValue] {
    let run = try run(call, context)
    guard let verdict = run.verdict(try index(call, 2, of: run)) else { return [.text("unchecked")] }
    context.subTests.stack.addEarlierWork(verdict.duration)
    guard verdict.hasPassed, verdict.reports.isEmpty else { return [.text("failed")] }
    if !verdict.output.isEmpty { context.subTests.print(Array(verdict.output.utf8)) }
    return [.text("passed")]
  }

  /// Ends a check that was repeated and has passed: kernel reports of the first one count if the repetition had none.
  private static func confirm(_ call: LuaCall, _ context: ScriptContext) throws -> [LuaValue] {
    let run = try run(call, context)
    let verdict = run.verdict(try index(call, 2, of: run))
    context.subTests.noteReports()
    if let verdict, !context.subTests.stack.hasReports { context.subTests.stack.note(verdict.reports) }
    return []
  }
}
