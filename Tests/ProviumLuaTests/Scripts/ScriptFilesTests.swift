import ProviumSystem
import Testing

@testable import ProviumLua

@Suite("Script files")
struct ScriptFilesTests {
  /// Makes a folder for one test.
  private func folder() throws -> String {
    let path = "/tmp/provium-lua-\(UInt64.random(in: 0...UInt64.max))"
    try Files.createDirectories(path + "/tests/helpers")
    return path
  }

  private func write(_ path: String, _ text: String) throws {
    try Files.write(Array(text.utf8), to: path)
  }

  @Test(
    "dofile searches the given folders, then the calling file's; require searches package.path; each file is recorded"
  )
  func loading() throws {
    let root = try folder()
    defer { try? Files.removeTree(root) }
    try write(root + "/common.lua", "return 'common'")
    try write(root + "/tests/beside.lua", "#!/usr/bin/lua\nreturn 'beside'")
    try write(root + "/tests/helpers/x.lua", "local M = {} M.got = ... return M")
    try write(
      root + "/tests/a.lua",
      "return dofile('common.lua'), dofile('beside.lua'), require('helpers.x').got, (loadfile('common.lua'))()"
    )
    let state = try LuaState()
    var (loaded, missed): ([String], [String]) = ([], [])
    state.scripts.searchFolders = [root]
    state.scripts.displayPath = { String($0.dropFirst(root.count + 1)) }
    state.scripts.onLoad = { loaded.append($0.displayPath) }
    state.scripts.onMiss = { missed.append(String($0.dropFirst(root.count + 1))) }
    try state.setPackagePath([root + "/tests", root])
    let results = try state.call(state.loadFile(root + "/tests/a.lua"))
    #expect(results == ["common", "beside", "helpers.x", "common"])
    #expect(loaded == ["tests/a.lua", "common.lua", "tests/beside.lua", "tests/helpers/x.lua", "common.lua"])
    #expect(state.scripts.path(ofDisplayed: "common.lua") == root + "/common.lua")
    // A file at this path would be found instead of the one that was.
    #expect(missed == ["beside.lua"])
    try write(root + "/helpers.lua", "return require('helpers.y')")
    _ = try? state.run("require('helpers')", chunkName: "b.lua")
    #expect(
      missed.dropFirst() == [
        "tests/helpers.lua", "tests/helpers/init.lua", "tests/helpers/y.lua", "tests/helpers/y/init.lua",
        "helpers/y.lua", "helpers/y/init.lua",
      ]
    )
  }

  @Test("a file that is missing or does not parse is an error, with the line that does not parse")
  func failing() throws {
    let root = try folder()
    defer { try? Files.removeTree(root) }
    try write(root + "/bad.lua", "\nlocal = 1")
    try write(root + "/boom.lua", "\n\nerror('boom')")
    let state = try LuaState()
    state.scripts.searchFolders = [root]
    state.scripts.displayPath = { String($0.dropFirst(root.count + 1)) }
    try state.setPackagePath([root])
    func failure(_ script: String) throws -> LuaFailure {
      try #require(throws: LuaFailure.self) { try state.run(script, chunkName: "a.lua") }
    }
    let missing = try failure("dofile('none.lua')")
    #expect(
      missing.description == "a.lua:1: dofile: no file 'none.lua' in \(root), the calling script's folder"
    )
    let bad = try failure("dofile('bad.lua')")
    #expect(bad.kind == .syntax)
    #expect(bad.location == LuaLocation(file: "bad.lua", line: 2))
    #expect(try failure("require('bad')").location == LuaLocation(file: "bad.lua", line: 2))
    #expect(try failure("dofile('boom.lua')").description == "boom.lua:3: boom")
    #expect(try failure("require('nowhere')").message.contains("module 'nowhere' not found"))
    #expect(try failure("dofile()").message == "dofile: argument 'path' must be a string, got nil")
    #expect(try state.run("return loadfile('none.lua')", chunkName: "a.lua").first == .nil)
  }

  @Test("print and io.write reach the test's own output, and os.exit does not end the host")
  func output() throws {
    let state = try LuaState()
    var output: [UInt8] = []
    state.onPrint = { output += $0 }
    try state.run(
      "print('a', 1, nil, true) print() io.write('x', 2, '\\0') io.stdout:write('y'):write('z')",
      chunkName: "a.lua"
    )
    #expect(String(decoding: output, as: UTF8.self) == "a\t1\tnil\ttrue\n\nx2\0yz")
    let failure = #expect(throws: LuaFailure.self) { try state.run("os.exit(0)", chunkName: "a.lua") }
    #expect(failure?.message.hasPrefix("os.exit: ") == true)
  }

  @Test("unpack and loadstring of Lua 5.1 exist")
  func aliases() throws {
    #expect(
      try LuaState().run("return unpack({1, 2}), loadstring('return 3')()", chunkName: "a.lua") == [1, 3]
    )
  }
}
