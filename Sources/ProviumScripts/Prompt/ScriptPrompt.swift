import ProviumEvents
import ProviumLua
package import ProviumRuntime
import ProviumSystem

/// A Lua prompt: evaluates one text after the other in one state, with the functions of scripts and a VM as `vm`. Belongs to the
/// thread that made it.
package final class ScriptPrompt {
  /// The end of one evaluation.
  package enum Evaluation: Sendable, Hashable {
    /// The text is the beginning of something: more lines are needed.
    case incomplete
    /// The values, as a script would write them.
    case values([String])
    case failed(String)
  }

  private let scope: MachineScope
  private let context: ScriptContext
  private let subTests: SubTestRunner
  private let state: LuaState
  private let members: LuaFunction
  /// Of the kept VM that was opened.
  private var hold: FailureStore.Hold?

  /// Starts nothing: `start` does.
  /// - Parameter print: Receives what scripts print, with its line ends.
  package init(engine: Engine, print: @escaping ([UInt8]) -> Void) throws {
    let root = engine.configuration.root
    let folder = engine.configuration.settings.tests.first ?? root
    scope = MachineScope(
      ScopeControl(name: "", owner: 0, services: engine.services),
      fixtureSearch: FixtureSearch(folder: folder, root: root)
    )
    subTests = SubTestRunner(scope: scope, filter: .all, path: Self.chunk)
    context = ScriptContext(scope: scope, fixtures: engine.fixtures, subTests: subTests)
    state = try LuaState(interrupt: LuaInterrupt())
    let limits = scope.limits
    limits.onChange = { [unowned state] in state.deadline = $0 }
    state.scripts.searchFolders = [Files.currentDirectory, root]
    try state.setPackagePath([folder, root])
    state.onPrint = print
    try subTests.install(in: state)
    try Bindings.install(in: state, context)
    members = try state.load(Array(Self.membersSource.utf8), chunkName: "=members")
  }

  private static let chunk = "prompt"

  /// Ends the VMs. The prompt cannot be used any more.
  package func close() {
    scope.limits.onChange = { _ in }
    scope.end()
    state.close()
  }

  /// The value of `vm` at the beginning.
  package enum Origin: Sendable {
    /// - memory: as `vm:boot` takes it; nil: the default.
    case profile(String, memory: UInt64?)
    case fixture(String)
    /// A copy of a kept VM, whose agent answered. The hold keeps it from being removed.
    case kept(KeptFailure, FailureStore.Hold)
  }

  /// Starts the VM and gives it the name `vm`. Blocks.
  package func start(_ origin: Origin) throws {
    let source: String
    let arguments: [LuaValue]
    switch origin {
    case .profile(let name, let memory):
      source = "local name, memory = ... vm = provium.create(name):boot{memory = memory}"
      arguments = [.text(name), memory.map { .integer(Int64(clamping: $0)) } ?? .nil]
    case .fixture(let name):
      source = "vm = provium.fixture(...)"
      arguments = [.text(name)]
    case .kept(let failure, let hold):
      let machine = scope.machines.add(profile: Profile(name: failure.profile))
      try withExtendedLifetime(hold) { try machine.open(failure) }
      self.hold = hold
      source = "vm = ..."
      arguments = [try context.types.value(VMObject(machine, context))]
    }
    do { _ = try state.call(try state.load(Array(source.utf8), chunkName: Self.chunk), arguments) } catch {
      throw error.payload ?? error
    }
  }

  // MARK: Evaluation

  /// Evaluates an expression or statements. Blocks while they run.
  package func evaluate(_ text: String) -> Evaluation {
    let function: LuaFunction
    do {
      // An expression is the more usual one, and `return` is what makes it a chunk.
      function =
        try (try? state.load(Array("return \(text)".utf8), chunkName: Self.chunk))
        ?? state.load(Array(text.utf8), chunkName: Self.chunk)
    } catch {
      let failure = error as? LuaFailure
      if failure?.kind == .syntax, failure?.message.contains("<eof>") == true { return .incomplete }
      return .failed(failure?.message ?? "\(error)")
    }
    let before = subTests.stack.results.count
    do throws(LuaFailure) {
      let values = try state.call(function)
      return results(since: before).map { .failed($0) } ?? .values(values.map { $0.described() })
    } catch {
      return .failed(error.message)
    }
  }

  /// The failures of sub-tests and the kernel reports of the last evaluation; nil: none.
  private func results(since start: Int) -> String? {
    let failed = subTests.stack.results[start...].compactMap { result in
      result.outcome.failure.map { "\(result.name): \($0.message)" }
    }
    return failed.isEmpty ? nil : failed.joined(separator: "\n")
  }

  /// Kernel reports since the last call, as a message; nil: none.
  package func kernelReports() -> String? {
    let reports = scope.machines.takeReports()
    return reports.isEmpty ? nil : reports.message
  }

  // MARK: Completion

  /// Returns the names that can follow at the end of `text`, and how many of its last characters they replace.
  package func completions(of text: String) -> (replaced: Int, names: [String]) {
    let tail = text.reversed().prefix { $0.isLetter || $0.isNumber || "_.:".contains($0) }.reversed()
    var parts = String(tail).split(omittingEmptySubsequences: false) { $0 == "." || $0 == ":" }.map(
      String.init
    )
    let begun = parts.popLast() ?? ""
    let names = Set(self.names(in: parts)).filter { $0.hasPrefix(begun) }
    return (begun.count, names.sorted())
  }

  /// The members of the value that a chain of names leads to, without calling anything of the script.
  private func names(in chain: [String]) -> [String] {
    guard let found = try? state.call(members, chain.map { .text($0) }), let first = found.first else {
      return []
    }
    if case .object(let object) = first { return context.types.inventory[object.typeName] ?? [] }
    return found.dropFirst().compactMap(\.text)
  }

  private static let membersSource = #"""
    local value = _G
    for index = 1, select("#", ...) do
      if type(value) ~= "table" then return nil end
      value = rawget(value, (select(index, ...)))
    end
    if type(value) ~= "table" then return value end
    local names = {}
    for key in next, value do if type(key) == "string" then names[#names + 1] = key end end
    return nil, table.unpack(names, 1, math.min(#names, 200))
    """#
}
