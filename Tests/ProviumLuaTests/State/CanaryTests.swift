import ProviumSystem
import Testing

@testable import ProviumLua

/// Counts the Swift frames that begin and end: a longjmp across a frame would skip its `defer` and its releases.
private final class Canary {
  var entered = 0
  var left = 0
  var alive = 0

  final class Bird {
    let canary: Canary
    init(_ canary: Canary) {
      self.canary = canary
      canary.alive += 1
    }
    deinit { canary.alive -= 1 }
  }

  func wrap(_ body: @escaping LuaNative) -> LuaNative {
    { [self] call in
      entered += 1
      defer { left += 1 }
      let bird = Bird(self)
      defer { withExtendedLifetime(bird) {} }
      return try body(call)
    }
  }
}

@Suite("Swift frames and longjmp")
struct CanaryTests {
  private struct Plain: Error {}

  /// Registers functions that fail in every way. `script` calls all of them, nested and in coroutines.
  private func prepare(_ state: LuaState, _ canary: Canary) throws {
    try state.register(global: "throws", canary.wrap { _ in throw Plain() })
    try state.register(global: "misuse", canary.wrap { call in [.integer(try call.integer(1, "n"))] })
    try state.register(
      global: "enter",
      canary.wrap { call in try call.state.call(call.function(1, "fn"), Array(call.arguments.dropFirst())) }
    )
    try state.register(
      global: "catch",
      canary.wrap { call in
        do {
          return [true] + (try call.state.call(call.function(1, "fn")))
        } catch let failure {
          return [false, .text("\(failure)")]
        }
      }
    )
    try state.register(
      global: "build",
      canary.wrap { call in
        [
          .list((0..<20).map { ["name": .text("item \($0)"), "nested": [1, 2, [3]]] }),
          .string(Array(repeating: 1, count: 5000)),
        ]
      }
    )
  }

  private let script = """
    local function all()
      pcall(throws)
      pcall(misuse, {})
      pcall(enter, function() error({}) end)
      pcall(enter, function() enter(function() throws() end) end)
      pcall(enter, function() pcall(enter, error, "x") error("y") end)
      catch(function() local x = nil + 1 end)
      catch(function() enter(function() misuse() end) end)
      xpcall(enter, function(e) return enter(function() return e end) end, throws)
      local co = coroutine.wrap(function()
        pcall(enter, throws)
        coroutine.yield(build())
        enter(error, "from a coroutine")
      end)
      co()
      pcall(co)
      local items = build()
      pcall(enter, function() enter(coroutine.yield) end)
      pcall(enter, string.rep, "x", -1)
      pcall(enter, setmetatable({}, {__call = function() build() throws() end}))
      local guard <close> = setmetatable({}, {__close = function() pcall(throws) end})
      enter(function() local t <close> = setmetatable({}, {__close = function() throws() end}) end)
    end
    pcall(all)
    local function deep(n) enter(function() deep(n + 1) end) end
    pcall(deep, 1)
    assert(select("#", build()) == 2)
    """

  @Test("no Swift frame is crossed by longjmp, whatever is raised, thrown or nested")
  func everyError() throws {
    let canary = Canary()
    let state = try LuaState()
    try prepare(state, canary)
    try state.run(script, chunkName: "a.lua")
    #expect(canary.entered > 100)
    #expect(canary.entered == canary.left)
    #expect(canary.alive == 0)
  }

  @Test("no Swift frame is crossed by longjmp when memory runs out at any allocation")
  func everyAllocation() throws {
    var failures = 0
    var countdown = 0
    var finished = false
    while !finished, countdown < 20_000 {
      let canary = Canary()
      let state = try LuaState()
      try prepare(state, canary)
      state.failAllocations(after: countdown)
      do {
        try state.run(script, chunkName: "a.lua")
        finished = countdown > 5000
      } catch {
        failures += 1
      }
      state.failAllocations(after: nil)
      #expect(canary.entered == canary.left, "allocation \(countdown)")
      #expect(canary.alive == 0, "allocation \(countdown)")
      #expect(try state.run("return 1", chunkName: "b.lua") == [1], "the state is usable afterwards")
      countdown += countdown < 300 ? 1 : 37
    }
    #expect(failures > 50)
  }

  @Test("no Swift frame is crossed by longjmp when nested calls reach the memory limit")
  func memoryLimit() throws {
    let canary = Canary()
    let state = try LuaState(memoryLimit: 4 << 20)
    try prepare(state, canary)
    let eat = "local t = {} for i = 1, 1e7 do t[i] = ('x'):rep(1000) .. i end"
    let failure = #expect(throws: LuaFailure.self) {
      try state.run("enter(function() enter(function() \(eat) end) end)", chunkName: "a.lua")
    }
    #expect(failure?.kind == .memory)
    #expect(failure?.message == "not enough memory")
    #expect(canary.entered == 2)
    #expect(canary.left == 2)
    #expect(state.memoryUsed < 4 << 20)
    #expect(try state.run("return 1", chunkName: "a.lua") == [1])
  }

  @Test(
    "no Swift frame is crossed by longjmp when a deadline or an interrupt ends nested calls",
    arguments: [true, false]
  )
  func stopped(byDeadline: Bool) throws {
    let canary = Canary()
    let state = try LuaState()
    try prepare(state, canary)
    try state.register(global: "trip") { call in
      if !byDeadline { call.state.interrupt.raise("enough") }
      return []
    }
    let failure = #expect(throws: LuaFailure.self) {
      try state.run(
        "pcall(enter, function() catch(function() trip() while true do pcall(enter, throws) end end) end)",
        chunkName: "a.lua",
        deadline: byDeadline ? .after(.milliseconds(30)) : .never
      )
    }
    #expect(failure?.kind == (byDeadline ? .deadline(own: true) : .interrupted))
    #expect(canary.entered == canary.left)
    #expect(canary.alive == 0)
  }
}
