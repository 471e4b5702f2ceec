import Glibc
import ProviumSystem
import Testing

@testable import ProviumLua

@Suite("Programs on the host") struct HostProgramsTests {
  private func run(_ script: String, deadline: Deadline = .never) throws -> [LuaValue] {
    try LuaState().run(script, chunkName: "a.lua", deadline: deadline)
  }

  @Test("os.execute and io.popen return what Lua's own return") func results() throws {
    #expect(try run("return os.execute()") == [true])
    #expect(try run("return os.execute('true')") == [true, "exit", 0])
    #expect(try run("return os.execute('exit 3')") == [.nil, "exit", 3])
    #expect(try run("return os.execute('kill -9 $$')") == [.nil, "signal", 9])
    #expect(try run("local f = io.popen('echo one; echo two') return f:read('a')") == ["one\ntwo\n"])
    #expect(try run("for line in io.popen('echo one'):lines() do return line end") == ["one"])
    #expect(try run("return io.popen('exit 3'):close()") == [.nil, "exit", 3])
    #expect(try run("return io.type(io.popen('true'))") == ["file"])
    #expect(throws: LuaFailure.self) { try run("io.popen('true', 'x')") }
    let path = "/tmp/provium-test-program-\(getpid())"
    defer { unlink(path) }
    #expect(
      try run("local f = io.popen('cat > \(path)', 'w') f:write('said') return f:close()") == [
        true, "exit", 0,
      ]
    )
    #expect(try Files.readText(path) == "said")
  }

  @Test(
    "a program ends with the time limit, and the line that waits for it is reported",
    arguments: ["os.execute('sleep 30')", "io.popen('sleep 30'):close()"]
  )
  func limit(script: String) throws {
    let begin = Deadline.now
    let failure = #expect(throws: LuaFailure.self) {
      try run("local x = 1\n\(script)\n", deadline: .after(.milliseconds(100)))
    }
    #expect(failure?.kind == .deadline(own: true))
    #expect(failure?.location == LuaLocation(file: "a.lua", line: 2))
    #expect(Deadline.now - begin < 5_000_000_000)
  }

  @Test(
    "a program ends with an interrupt",
    arguments: ["os.execute('sleep 30')", "io.popen('sleep 30'):read('a')", "io.popen('sleep 30'):close()"]
  )
  func interrupt(script: String) throws {
    let state = try LuaState()
    let interrupt = state.interrupt
    let thread = try DedicatedThread(name: "interrupt") {
      usleep(100_000)
      interrupt.raise("enough")
    }
    let begin = Deadline.now
    let failure = #expect(throws: LuaFailure.self) { try state.run(script, chunkName: "a.lua") }
    thread.join()
    #expect(failure?.kind == .interrupted)
    #expect(Deadline.now - begin < 5_000_000_000)
  }

  @Test("a program does not outlive the state, not even in the background") func background() throws {
    let state = try LuaState()
    let results = try state.run(
      """
      local f = io.popen("sleep 300 > /dev/null 2>&1 & echo $!")
      local pid = f:read("n")
      f:close()
      local open = io.popen("echo $$; exec sleep 300")
      return pid, open:read("n")
      """,
      chunkName: "a.lua"
    )
    let pids = results.compactMap { if case .integer(let pid) = $0 { Int32(pid) } else { nil } }
    try #require(pids.count == 2)
    for pid in pids { #expect(kill(pid, 0) == 0) }
    state.close()
    let deadline = Deadline.after(.seconds(5))
    // An orphan is reaped by the process that adopts it: a zombie counts as gone.
    func isGone(_ pid: Int32) -> Bool {
      guard let status = try? Files.readText("/proc/\(pid)/stat") else { return true }
      return status.contains(") Z ")
    }
    while !pids.allSatisfy(isGone), !deadline.isExpired { usleep(10_000) }
    #expect(pids.allSatisfy(isGone))
  }

  @Test("a call that returns after its deadline is stopped, also if it succeeded") func late() throws {
    let state = try LuaState()
    try state.register(global: "slow") { _ in
      usleep(60_000)
      return []
    }
    for script in ["slow()", "pcall(slow)"] {
      let failure = #expect(throws: LuaFailure.self) {
        try state.run(script, chunkName: "a.lua", deadline: .after(.milliseconds(20)))
      }
      #expect(failure?.kind == .deadline(own: true))
    }
    // The same in a function of Lua's own library.
    let failure = #expect(throws: LuaFailure.self) {
      try state.run(
        "return (('a'):rep(24) .. 'b'):find(('a-'):rep(24) .. 'c')",
        chunkName: "a.lua",
        deadline: .after(.microseconds(1))
      )
    }
    #expect(failure?.kind == .deadline(own: true))
  }
}
