package import ProviumEvents
import ProviumLua
package import ProviumRuntime
import ProviumSystem

/// One run of one Lua script in one scope. Belongs to the scope's thread.
package final class ScriptRun {
  private let path: String
  private let root: String
  private let context: ScriptContext
  private let subTests: SubTestRunner
  private let filter: SubTestFilter
  private var scope: MachineScope { context.scope }
  /// Every file that the script loaded, itself included: absolute path and contents.
  private(set) var loaded: [LoadedScript] = []
  /// Absolute paths at which a search found no script before it found another one.
  private(set) var absentScripts: Set<String> = []

  /// - Parameters:
  ///   - path: the absolute path of the script.
  ///   - root: the absolute path of the tests' root, in which `require` searches.
  package init(
    path: String,
    root: String,
    scope: MachineScope,
    fixtures: FixtureService,
    filter: SubTestFilter = .all
  ) {
    self.path = path
    self.root = root
    self.filter = filter
    subTests = SubTestRunner(scope: scope, filter: filter, path: Files.display(path))
    context = ScriptContext(scope: scope, fixtures: fixtures, subTests: subTests)
  }

  /// The host files whose change may change the result. Valid after the run.
  package var touchedFiles: Set<String> {
    scope.fixtureSources.union(loaded.map(\.path)).union([path])
  }

  /// Runs the script as a test file, and ends the scope.
  package func run() -> FileResult {
    let start = Deadline.now
    let outcome = runScript()
    if outcome.isFailure { scope.machines.keepKernelLogs() }
    scope.end()
    var result = FileResult(
      file: scope.name,
      outcome: outcome,
      subTests: subTests.stack.results,
      duration: Double(Deadline.now - start) / 1e9
    )
    result.output = subTests.stack.outerOutput
    let isSilent = outcome == .passed && result.subTests.isEmpty
    result.isHelper = isSilent && scope.machines.count == 0 && !subTests.stack.hasLeftOut
    if isSilent, subTests.stack.hasLeftOut, !filter.isScriptSelected {
      result.outcome = .skipped(reason: "no sub-test of it is selected")
    }
    return result
  }

  /// Runs the script under the scope's time limit. The scope's VMs keep running.
  func runScript() -> Outcome {
    scope.limited("the file's", to: scope.control.timeout) { deadline in
      do {
        try runChunk(until: deadline)
        return subTests.end(nil)
      } catch { return subTests.end(error) }
    }
  }

  private func runChunk(until deadline: Deadline) throws {
    let interrupt = LuaInterrupt()
    scope.cancellation.onStop { interrupt.raise($0) }
    let state = try LuaState(interrupt: interrupt)
    scope.limits.onChange = { state.deadline = $0 }
    scope.control.setScript(
      ScopeControl.Script(
        isRunning: { interrupt.isInScript },
        endPrograms: { interrupt.programs.endRunning() }
      )
    )
    defer {
      scope.limits.onChange = { _ in }
      state.close()
      scope.control.setScript(nil)
    }
    try prepare(state)
    let chunk = try state.loadFile(path)
    let caught = try state.signalCaught { _ = try state.call(chunk, deadline: deadline) }
    if let caught { throw caught }
  }

  private func prepare(_ state: LuaState) throws {
    state.scripts.searchFolders = [Files.currentDirectory, context.configuration.root]
    state.scripts.onLoad = { [unowned self] in loaded.append($0) }
    state.scripts.onMiss = { [unowned self] in absentScripts.insert($0) }
    try state.setPackagePath([root, context.configuration.root])
    state.onPrint = { [unowned self] in subTests.print($0) }
    try subTests.install(in: state)
    try Bindings.install(in: state, context)
  }
}
