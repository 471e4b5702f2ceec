import ProviumEvents
import ProviumLua
import ProviumRuntime
import ProviumVM
import ProviumSystem

/// The functions `test`, `skip` and `todo`: runs sub-tests and keeps their results. Belongs to the script's
/// thread.
final class SubTestRunner {
  let scope: MachineScope
  let filter: SubTestFilter
  /// The file's path in messages.
  private let path: String
  private let outcomes: OutcomeReader
  var stack = SubTestStack()
  /// The functions of `on_failure`, in the order of their calls.
  var failureHandlers: [LuaFunction] = []

  /// Takes what the script prints; nil: it belongs to the innermost sub-test.
  var capture: ((String) -> Void)?

  init(scope: MachineScope, filter: SubTestFilter, path: String) {
    self.scope = scope
    self.filter = filter
    self.path = path
    outcomes = OutcomeReader(scope: scope)
  }

  func install(in state: LuaState) throws {
    try state.register(global: "test") { [unowned self] in try test($0) }
    try state.register(global: "on_failure") { [unowned self] in try addFailureHandler($0) }
    try state.register(global: "todo") { call in
      throw ScriptSignal.todo(reason: try call.optionalString(1, "reason") ?? "")
    }
    try state.register(global: "skip") { call in
      throw ScriptSignal.skip(reason: try call.optionalString(1, "reason") ?? "")
    }
  }

  /// `test(name [, options], fn)`: runs `fn(t)` at once and isolates its failure.
  private func test(_ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 3)
    guard !scope.isBuildingFixture else {
      throw call.misuse(
        "a fixture's script cannot define sub-tests, since no report shows them: use assertions instead"
      )
    }
    guard scope.context.branches == nil else {
      throw call.misuse(
        "a sub-test cannot run inside provium.all, where the order of the results would be open: "
          + "call provium.all inside the sub-test"
      )
    }
    guard stack.frames.count < SubTestStack.deepest else {
      throw call.misuse("sub-tests are nested more than \(SubTestStack.deepest) deep")
    }
    let given = try call.string(1, "name")
    guard !given.isEmpty else { throw call.argument(1, "name").expected("a name that is not empty") }
    let hasOptions = call.arguments.count > 2
    let body = try call.function(hasOptions ? 3 : 2, "fn")
    let options = try SubTestOptions(hasOptions ? call.optional(2, "meta") : nil)
    let name = stack.nextName(given)
    let location = ScriptLocation(file: call.location?.file ?? path, line: call.location?.line ?? 1)
    let decision = filter.decide(stack.path + [name], stack.tags + options.tags, options.isSlow)
    var skip = options.skip
    // Only where it would run: to know a kernel may take a boot, or fetch one.
    if skip == nil, decision == .run { skip = try options.conditions.reasonToSkip(in: scope) }
    switch skip.map(SubTestFilter.Decision.skip) ?? decision {
    case .leaveOut: stack.leaveOut()
    case .skip(let reason):
      if decision == .leaveOut {
        stack.leaveOut()
        return []
      }
      let result = stack.record(
        name,
        outcome: .skipped(reason: reason),
        tags: options.tags,
        at: location
      )
      scope.events.send(.subTestEnded(file: scope.name, result: result))
    case .run, .contain:
      begin(name, options, at: location, isContainer: decision == .contain)
      run(body, name: name, options: options, in: call.state)
    }
    return []
  }

  private func begin(
    _ name: String,
    _ options: SubTestOptions,
    at location: ScriptLocation,
    isContainer: Bool
  ) {
    // Kernel reports from here on are this sub-test's.
    if !scope.machines.hasJustTakenReports { noteReports() }
    stack.push(name, tags: options.tags, at: location, isContainer: isContainer)
    if !isContainer {
      scope.events.send(.subTestStarted(file: scope.name, path: stack.path, location: location))
    }
    scope.machines.mark("--- test \"\(stack.path.joined(separator: " / "))\" begins")
    scope.activity("test \(name)")
  }

  private func run(_ body: LuaFunction, name: String, options: SubTestOptions, in state: LuaState) {
    let isFresh = (options.isFresh || scope.context.isFresh) && stack.path.count == 1
    let (before, networksBefore) = (scope.machines.count, scope.context.networks.count)
    // After the outcome, since a failure shows the consoles of these VMs.
    defer {
      if isFresh {
        scope.machines.end(after: before)
        scope.context.networks.end(after: networksBefore)
      }
    }
    let (outcome, named) = outcome(
      of: { deadline in
        if isFresh { try scope.machines.startFresh() }
        let test = LuaValue.table(LuaTable(pairs: [.init(key: "name", value: .text(name))]))
        let caught = try state.signalCaught { _ = try state.call(body, [test], deadline: deadline) }
        if let caught { throw caught }
      },
      options
    )
    stack.endBody()
    noteReports()
    if outcome.isFailure || stack.hasReports { runFailureHandlers(name, in: state) }
    if outcome.isFailure { scope.machines.keepKernelLogs() }
    scope.machines.mark("--- test \"\(stack.path.joined(separator: " / "))\" has ended")
    let usesBefore = stack.frames.last?.usesBefore ?? 0
    if var result = stack.pop(outcome, naming: named, properties: options.properties) {
      if case .failed(let failure) = result.outcome {
        result.outcome = .failed(scope.machines.keep(failure, of: result.path, since: usesBefore))
        stack.replaceLast(result)
      }
      scope.events.send(.subTestEnded(file: scope.name, result: result))
    }
  }

  /// Runs `body`, under the sub-test's own time limit if it has one.
  private func outcome(of body: (Deadline) throws -> Void, _ options: SubTestOptions) -> (
    Outcome, naming: Set<KernelReport.ID>
  ) {
    guard let timeout = options.timeout else { return outcome(of: body, until: .never) }
    return scope.limited("the sub-test's", to: timeout) { outcome(of: body, until: $0) }
  }

  private func outcome(of body: (Deadline) throws -> Void, until deadline: Deadline) -> (
    Outcome, naming: Set<KernelReport.ID>
  ) {
    do {
      try body(deadline)
      return (.passed, [])
    } catch let failure as LuaFailure {
      return outcomes.outcome(
        of: failure.within(stack.frames.last?.location),
        usesBefore: stack.frames.last?.usesBefore ?? 0
      )
    } catch {
      return (.failed(outcomes.failure(of: error)), [])
    }
  }

  /// Which of sub-tests that follow each other would run, by their names.
  func wouldRun(_ names: [String]) -> [Bool] {
    var stack = stack
    return names.map { name in
      let decision = filter.decide(stack.path + [stack.nextName(name)], stack.tags, false)
      return decision == .run || decision == .contain
    }
  }

  // MARK: Outside sub-tests

  /// Assigns the kernel reports up to now to the sub-test that runs, else to the file.
  func noteReports() { stack.note(scope.machines.takeReports()) }

  /// Keeps what the script printed, and reports it.
  func print(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    if let capture { return capture(text) }
    stack.append(output: text)
    scope.events.send(.output(file: scope.name, path: stack.path, text: text))
  }

  /// The outcome of the script itself, given how its chunk ended.
  func end(_ error: (any Error)?) -> Outcome {
    noteReports()
    var (outcome, named): (Outcome, Set<KernelReport.ID>) = (.passed, [])
    if let failure = error as? LuaFailure {
      (outcome, named) = outcomes.outcome(of: failure, usesBefore: 0)
    } else if let error {
      outcome = .failed(outcomes.failure(of: error))
    }
    return stack.outerReports.judge(outcome, naming: named, at: ScriptLocation(file: path, line: 1))
  }
}

extension LuaFailure {
  /// Removes the frames outside the body of the sub-test that was called at `location`: every failure has
  /// these.
  fileprivate func within(_ location: ScriptLocation?) -> LuaFailure {
    guard let location, let body = traceback.firstIndex(where: { $0.contains("<\(location)>") }) else {
      return self
    }
    var failure = self
    failure.traceback = Array(traceback[...body])
    return failure
  }
}
