import ProviumLua
import ProviumSystem
import ProviumVM
import Testing

@testable import ProviumRuntime
@testable import ProviumScripts

/// The declarations in a file of types for the Lua language server.
private struct Declarations {
  /// The methods and fields of each class, with those of the classes that it extends.
  private(set) var members: [String: Set<String>] = [:]
  private(set) var globals: Set<String> = []
  /// Declarations without documentation or types.
  private(set) var faults: [String] = []
  private var bases: [String: String] = [:]
  private var variables: [String: String] = [:]

  init(_ text: String) {
    var comments: [String] = []
    var open: String?
    for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
      guard !line.hasPrefix("---") else {
        comments.append(line)
        readClass(line, &open)
        continue
      }
      defer { comments = [] }
      let words = line.split(separator: " ")
      if words.last == "{}", let name = words.first(where: { $0 != "local" }), let open {
        variables[String(name)] = open
      } else if line.hasPrefix("function ") {
        readFunction(line.dropFirst("function ".count), comments)
      }
      if line.isEmpty { open = nil }
    }
    for (name, base) in bases { members[name, default: []].formUnion(members[base] ?? []) }
  }

  private mutating func readClass(_ line: String, _ open: inout String?) {
    let words = line.split(separator: " ").map(String.init)
    switch words.first {
    case "---@class":
      open = words[1]
      members[words[1]] = members[words[1]] ?? []
      if words.count > 3 { bases[words[1]] = words[3] }
    case "---@field" where words[1] != "[string]":
      let name = words[1].filter { $0 != "?" }
      members[open ?? "", default: []].insert(name)
      // A type is followed by a sentence.
      if words.count < 4 || !line.hasSuffix(".") {
        faults.append("\(open ?? ""): \(name) has no type or no text")
      }
    default: break
    }
  }

  private mutating func readFunction(_ declaration: Substring, _ comments: [String]) {
    let name = declaration.prefix { $0 != "(" }
    let parameters = declaration.dropFirst(name.count + 1).prefix { $0 != ")" }.split(separator: ",").map {
      String($0).trimmed
    }
    let parts = name.split { $0 == ":" || $0 == "." }.map(String.init)
    if parts.count == 2 {
      members[variables[parts[0]] ?? "", default: []].insert(parts[1])
    } else {
      globals.insert(parts[0])
    }
    if !comments.contains(where: { $0.hasPrefix("--- ") && $0.hasSuffix(".") }) {
      faults.append("\(name) has no text")
    }
    for parameter in parameters {
      let isTyped = comments.contains { comment in
        comment.hasPrefix("---@param \(parameter) ") || comment.hasPrefix("---@param \(parameter)? ")
      }
      if !isTyped { faults.append("\(name): the parameter \(parameter) has no type") }
    }
    let typed = comments.filter { $0.hasPrefix("---@param ") }.count
    if typed != parameters.count {
      faults.append("\(name) has types of \(typed) of \(parameters.count) parameters")
    }
  }
}

@Suite("The types for editors") struct EditorTypesTests {
  /// Calls `body` with a state that has all bindings.
  private func withBindings(_ body: (LuaState, ScriptContext) throws -> Void) throws {
    let folder = "/tmp/provium-test-types-\(UInt64.random(in: 0 ... .max))"
    try Files.createDirectories(folder)
    defer { try? Files.removeTree(folder) }
    var configuration = Configuration(root: folder)
    configuration.settings.cache = folder
    var options = EngineOptions()
    options.accelerator = .tcg
    let engine = try Engine(
      configuration: configuration,
      options: options,
      sinks: [],
      recipe: { ScriptFixture($0, $1) }
    )
    defer { engine.close() }
    let control = ScopeControl(name: "types", owner: 0, services: engine.services, timeout: .seconds(60))
    let scope = MachineScope(control, fixtureSearch: FixtureSearch(folder: folder, root: folder))
    let tests = SubTestRunner(scope: scope, filter: .all, path: "types")
    let context = ScriptContext(scope: scope, fixtures: engine.fixtures, subTests: tests)
    let state = try LuaState(interrupt: LuaInterrupt())
    defer { state.close() }
    try tests.install(in: state)
    try Bindings.install(in: state, context)
    try body(state, context)
  }

  @Test(
    "declare each method of each type, each function and each global with a type and a text, and nothing else"
  )
  func complete() throws {
    let declared = Declarations(EditorTypes.text)
    #expect(declared.faults == [])
    #expect(
      declared.members["provium.boot_options"] == Set(MachineConfiguration.luaOptions + NetworkOptions.names)
    )
    try withBindings { state, context in
      for (type, names) in context.types.inventory where type != "crash run" && type != "vm.sys" {
        #expect(declared.members["provium.\(type)"] == Set(names), "\(type)")
      }
      let names = try state.load(
        Array(
          """
          local own, standard = {}, {}
          for name in ("assert collectgarbage dofile error getmetatable ipairs load loadfile next pairs pcall print rawequal \
          rawget rawlen rawset require select setmetatable tonumber tostring type xpcall warn _G _VERSION coroutine debug io \
          math os package string table utf8"):gmatch("%S+") do standard[name] = true end
          for name in pairs(_G) do if not standard[name] then own[#own + 1] = name end end
          local members = {}
          for name in pairs(provium) do members[#members + 1] = name end
          return table.concat(own, " "), table.concat(members, " ")
          """.utf8
        ),
        chunkName: "names"
      )
      let found = try state.call(names).map { Set(($0.text ?? "").split(separator: " ").map(String.init)) }
      #expect(found[0] == declared.globals.union(["provium"]))
      // `fresh` can only be assigned.
      #expect(found[1].union(["fresh"]) == declared.members["provium"])
    }
  }

  @Test("are a Lua script") func syntax() throws {
    let state = try LuaState(interrupt: LuaInterrupt())
    defer { state.close() }
    _ = try state.load(Array(EditorTypes.text.utf8), chunkName: "provium.lua")
  }
}
