import ProviumSystem
import Testing

@testable import ProviumLua

@Suite("Deadlines and interrupts")
struct DeadlineTests {
  @Test(
    "a deadline ends a script that never returns",
    arguments: [
      "while true do end",
      "while true do pcall(function() while true do end end) end",
      "while true do xpcall(function() while true do end end, function(e) while true do end end) end",
      "while true do xpcall(error, function(e) while true do pcall(error) end end) end",
      "coroutine.wrap(function() while true do pcall(function() while true do end end) end end)()",
      "while true do local c = coroutine.wrap(function() while true do end end) pcall(c) end",
      "while true do pcall(coroutine.wrap(function() while true do pcall(coroutine.wrap(function() while true do end end)) end end)) end",
      "local function f() pcall(f) while true do end end f()",
      "while true do pcall(pcall, pcall, error) end",
      "local t = setmetatable({}, {__index = function() while true do end end}) while true do pcall(function() return t.x end) end",
      "while true do pcall(string.gsub, ('x'):rep(100), '.', function() while true do end end) end",
      "while true do pcall(table.sort, {3, 2, 1, 4}, function() while true do end end) end",
      "while true do local x <close> = setmetatable({}, {__close = function() while true do end end}) end",
      "pcall(debug.sethook) while true do end",
      "enter(function() while true do pcall(enter, function() while true do end end) end end)",
      "goto again ::again:: goto again",
      "while true do assert_error(function() while true do end end) end",
      "local e = setmetatable({}, {__tostring = function() while true do end end}) error(e)",
    ]
  )
  func endless(_ script: String) throws {
    let state = try LuaState()
    try state.register(global: "enter") { call in try call.state.call(call.function(1, "fn")) }
    let begin = Deadline.now
    let failure = #expect(throws: LuaFailure.self) {
      try state.run("\n" + script, chunkName: "a.lua", deadline: .after(.milliseconds(50)))
    }
    #expect(failure?.kind == .deadline(own: true))
    #expect(failure?.location == LuaLocation(file: "a.lua", line: 2))
    #expect(Deadline.now - begin < 5_000_000_000)
    #expect(
      try state.run("local n = 0 for i = 1, 100000 do n = n + 1 end return n", chunkName: "b.lua") == [
        100_000
      ]
    )
  }

  @Test("an inner call's own deadline ends that call only, and the script goes on")
  func nested() throws {
    let state = try LuaState()
    var kinds: [LuaFailure.Kind] = []
    try state.register(global: "limited") { call in
      do {
        _ = try call.state.call(call.function(1, "fn"), deadline: .after(.milliseconds(20)))
      } catch let failure as LuaFailure {
        kinds.append(failure.kind)
      }
      return []
    }
    let results = try state.run(
      "local n = 0 for _ = 1, 3 do pcall(limited, function() while true do pcall(function() n = n + 1 end) end end) end return 'done'",
      chunkName: "a.lua",
      deadline: .after(.seconds(30))
    )
    #expect(results == ["done"])
    #expect(kinds == [.deadline(own: true), .deadline(own: true), .deadline(own: true)])
  }

  @Test("an outer deadline that is earlier ends the inner and the outer script")
  func outerWins() throws {
    let state = try LuaState()
    var inner: LuaFailure.Kind?
    var inside: Deadline?
    try state.register(global: "limited") { call in
      do {
        _ = try call.state.call(call.function(1, "fn"), deadline: .after(.seconds(60)))
      } catch let failure as LuaFailure {
        inner = failure.kind
      }
      return []
    }
    try state.register(global: "look") { call in
      inside = call.state.deadline
      return []
    }
    let deadline = Deadline.after(.milliseconds(50))
    let failure = #expect(throws: LuaFailure.self) {
      try state.run(
        "pcall(limited, function() look() while true do end end) done = true",
        chunkName: "a.lua",
        deadline: deadline
      )
    }
    #expect(inside == deadline)
    #expect(inner == .deadline(own: false))
    #expect(failure?.kind == .deadline(own: true))
    #expect(try state.global("done") == .nil)
    #expect(state.deadline == .never)
  }

  @Test("the reported place is where the script was stopped first, not where it was caught last")
  func place() throws {
    let state = try LuaState()
    let failure = #expect(throws: LuaFailure.self) {
      try state.run(
        "local function spin()\n  while true do end\nend\npcall(spin)\npcall(spin)",
        chunkName: "a.lua",
        deadline: .after(.milliseconds(20))
      )
    }
    #expect(failure?.location?.line == 2)
    #expect(failure?.traceback.first?.hasPrefix("a.lua:2: in ") == true)
    #expect(failure?.traceback.last == "a.lua:4: in main chunk")
  }

  @Test("a deadline that passed during a Swift function ends the script at its next instruction")
  func passedInSwift() throws {
    let state = try LuaState()
    var calls = 0
    try state.register(global: "work") { call in
      calls += 1
      call.state.deadline = Deadline(nanoseconds: 1)
      return []
    }
    let failure = #expect(throws: LuaFailure.self) {
      try state.run("work() work() work()", chunkName: "a.lua")
    }
    #expect(failure?.kind == .deadline(own: false))
    #expect(calls == 1)
  }

  @Test("an interrupt from another thread ends the script with its reason, until it is cleared")
  func interrupt() throws {
    let interrupt = LuaInterrupt()
    let state = try LuaState(interrupt: interrupt)
    let ready = Readiness()
    try state.register(global: "ready") { _ in
      ready.set()
      return []
    }
    let thread = try DedicatedThread(name: "interrupter") {
      ready.wait()
      interrupt.raise("Ctrl-C")
    }
    let failure = #expect(throws: LuaFailure.self) {
      try state.run("ready() while true do pcall(function() while true do end end) end", chunkName: "a.lua")
    }
    thread.join()
    #expect(failure?.kind == .interrupted)
    #expect(failure?.message == "Ctrl-C")
    #expect(throws: LuaFailure.self) { try state.run("return 1", chunkName: "a.lua") }
    interrupt.clear()
    #expect(try state.run("return 1", chunkName: "a.lua") == [1])
  }

  /// An event that one thread waits for.
  private final class Readiness: Sendable {
    private let flag = LuaInterrupt()
    func set() { flag.raise("ready") }
    func wait() { while flag.reason == nil { Deadline.pause() } }
  }
}

extension Deadline {
  fileprivate static func pause() { for _ in 0..<1000 { _ = Deadline.now } }
}
