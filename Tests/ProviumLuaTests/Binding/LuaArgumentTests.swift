import ProviumSystem
import Testing

@testable import ProviumLua

@Suite("Arguments and options")
struct LuaArgumentTests {
  let state: LuaState

  init() throws {
    state = try LuaState()
    let known = ["timeout", "memory", "cwd", "env", "mode"]
    try state.register(
      library: "lib",
      functions: [
        "string": { [.text(try $0.string(1, "cmd"))] },
        "bytes": { [.string(try $0.bytes(1, "data"))] },
        "integer": { [.integer(try $0.integer(1, "fd"))] },
        "optional": { [.integer(try $0.optional(1, "mode")?.integer() ?? -1)] },
        "small": { [.integer(try $0.argument(1, "cpus").integer(in: 1...32))] },
        "duration": { [.number(try $0.argument(1, "timeout").duration().inSeconds)] },
        "size": { [.integer(Int64(try $0.argument(1, "memory").size()))] },
        "fn": {
          _ = try $0.function(1, "fn"); return []
        },
        "flag": { [.boolean(try $0.argument(1, "flag").boolean())] },
        "format": { [.text(try $0.argument(1, "format").string(oneOf: ["raw", "qcow2"]))] },
        "list": { [.list(try $0.argument(1, "disks").list().map { .text(try $0.string()) })] },
        "most": {
          try $0.expect(atMost: 1); return []
        },
        "options": { call in
          let options = try call.options(1, known: known)
          return [.number(try options["timeout"]?.duration().inSeconds ?? -1)]
        },
        "env": { call in
          let env = try call.options(1, known: known)["env"]?.entries() ?? []
          return [
            .text(
              try env.map { "\(String(decoding: $0.name, as: UTF8.self))=\(try $0.argument.string())" }
                .joined(separator: " ")
            )
          ]
        },
      ],
      values: ["version": "1"]
    )
  }

  @Test(
    "an argument is accepted in every form that a Lua user expects",
    arguments: [
      ("lib.string('x')", "\"x\""), ("lib.string(12)", "\"12\""), ("lib.bytes(1.5)", "\"1.5\""),
      ("lib.bytes('a\\0\\xff')", "\"a\\x00\\xff\""), ("lib.integer(3.0)", "3"),
      ("lib.integer(math.mininteger)", "\(Int64.min)"), ("lib.optional()", "-1"), ("lib.optional(nil)", "-1"),
      ("lib.optional(5)", "5"), ("lib.duration(0.5)", "0.5"), ("lib.duration('500ms')", "0.5"),
      ("lib.duration('2m')", "120.0"), ("lib.size('512M')", "536870912"), ("lib.size(4096)", "4096"),
      ("lib.options()", "-1.0"), ("lib.options{timeout = '1h'}", "3600.0"),
      ("lib.env{env = {B = 2, A = 'x'}}", "\"A=x B=2\""),
      ("lib.list{'a', 'b'}", "{\"a\", \"b\"}"), ("lib.version", "\"1\""),
    ]
  )
  func accepted(_ script: String, _ expected: String) throws {
    #expect(try state.run("return " + script, chunkName: "a.lua").first?.described() == expected)
  }

  @Test(
    "a refused argument is named, with the given and the accepted values",
    arguments: [
      ("lib.string({})", "lib.string: argument 'cmd' must be a string, got table"),
      ("lib.string()", "lib.string: argument 'cmd' must be a string, got nothing"),
      ("lib.string(nil)", "lib.string: argument 'cmd' must be a string, got nil"),
      (
        "lib.string('a\\0')",
        "lib.string: argument 'cmd' must be text (UTF-8 without NUL bytes), got string \"a\\x00\""
      ),
      ("lib.integer(1.5)", "lib.integer: argument 'fd' must be an integer, got number 1.5"),
      ("lib.integer('1')", "lib.integer: argument 'fd' must be an integer, got string \"1\""),
      ("lib.integer(2^63)", "lib.integer: argument 'fd' must be an integer, got number 9.2233720368548e+18"),
      ("lib.optional(true)", "lib.optional: argument 'mode' must be an integer, got boolean true"),
      ("lib.small(33)", "lib.small: argument 'cpus' must be an integer from 1 to 32, got number 33"),
      (
        "lib.duration({})",
        "lib.duration: argument 'timeout' must be a duration (a number of seconds or e.g. \"500ms\"), got table"
      ),
      (
        "lib.duration('5 parsecs')",
        "lib.duration: argument 'timeout' must be a duration (a number of seconds or e.g. \"500ms\"), got string \"5 parsecs\""
      ),
      (
        "lib.duration(-1)",
        "lib.duration: argument 'timeout' must be a duration (a number of seconds or e.g. \"500ms\"), got number -1"
      ),
      (
        "lib.size('lots')",
        "lib.size: argument 'memory' must be a size (a number of bytes or e.g. \"512M\"), got string \"lots\""
      ),
      ("lib.fn('x')", "lib.fn: argument 'fn' must be a function, got string \"x\""),
      ("lib.flag(1)", "lib.flag: argument 'flag' must be true or false, got number 1"),
      (
        "lib.format('qcow')",
        "lib.format: argument 'format' must be one of \"raw\", \"qcow2\", got string \"qcow\" (did you mean 'qcow2'?)"
      ),
      ("lib.list{'a', {}}", "lib.list: argument 'disks'[2] must be a string, got table"),
      ("lib.list{a = 1}", "lib.list: argument 'disks' must be a list, got table"),
      ("lib.most(1, 2)", "lib.most: takes at most 1 argument, got 2"),
      (
        "lib.options{tiemout = 1}",
        "lib.options: unknown option 'tiemout' (did you mean 'timeout'?); known: timeout, memory, cwd, env, mode"
      ),
      ("lib.options{5}", "lib.options: unknown option '1'; known: timeout, memory, cwd, env, mode"),
      ("lib.options(5)", "lib.options: argument 'opts' must be a table of options, got number 5"),
      (
        "lib.options{timeout = {}}",
        "lib.options: option 'timeout' must be a duration (a number of seconds or e.g. \"500ms\"), got table"
      ),
      ("lib.env{env = {A = {}}}", "lib.env: option 'env'['A'] must be a string, got table"),
      ("lib.strin('x')", "lib has no function 'strin' (did you mean 'string'?)"),
    ]
  )
  func refused(_ script: String, _ expected: String) {
    let failure = #expect(throws: LuaFailure.self) {
      try state.run("\n\nlocal x = " + script, chunkName: "a.lua")
    }
    #expect(failure?.description == "a.lua:3: " + expected)
    #expect(failure?.payload is LuaError)
  }
}
