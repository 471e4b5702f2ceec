internal import CLuaBridge
package import ProviumSystem

/// One Lua 5.4 interpreter. One thread owns it; other threads may use its `interrupt` only.
///
/// The state retains the functions that are registered until it closes. If they retain the owner of the
/// state, call `close()` to break the cycle.
package final class LuaState {
  let host: LuaHost
  /// The functions that the prelude's chunks returned, by name.
  var preludeFunctions: [String: LuaFunction] = [:]
  /// Whether the prelude has run since the globals were noted.
  var hasNewGlobals = false
  /// The search folders of scripts, and the scripts that were loaded.
  package let scripts = ScriptFiles()

  /// Opens a state without Provium's own Lua.
  /// - Parameter memoryLimit: in bytes. Above it a script gets Lua's "not enough memory". 0: no limit.
  init(bareWith memoryLimit: Int, interrupt: LuaInterrupt) throws(LuaFailure) {
    host = LuaHost(interrupt: interrupt)
    guard let opened = clb_open(host.callbacks, memoryLimit, interrupt.flag) else { throw .outOfMemory }
    host.pointer = opened
    host.running = clb_main(opened)
  }

  deinit { close() }

  /// Runs the script's finalizers, and releases its objects and all registered functions. Idempotent. Must
  /// not be called from inside a call.
  package func close() {
    guard let opened = host.pointer else { return }
    host.pointer = nil
    preludeFunctions.removeAll()
    host.running = nil
    interrupt.programs.close()
    interrupt.setting(isInScript: true) { clb_close(opened) }
    host.removeAll()
    host.handles.dropReleased()
  }

  /// Ends the running script from any thread.
  package var interrupt: LuaInterrupt { host.interrupt }

  /// Receives what `print` and `io.write` write, line ends included.
  package var onPrint: ([UInt8]) -> Void {
    get { host.onPrint }
    set { host.onPrint = newValue }
  }

  /// The earliest deadline in force. Setting it replaces the deadline of the present scope. An expired
  /// deadline ends the script at its next instruction.
  package var deadline: Deadline {
    get { host.deadline() }
    set {
      host.deadlines[host.deadlines.count - 1] = newValue
      if let pointer = host.pointer { clb_set_deadline(pointer, newValue.nanoseconds) }
    }
  }

  /// Whether the running script must end. Functions that may work for long check it.
  package var mustEnd: Bool { interrupt.reason != nil || deadline.isExpired }

  /// The memory that Lua holds, in bytes.
  package var memoryUsed: Int { host.pointer.map(clb_memory_used) ?? 0 }

  /// The running line of the innermost function of a script file.
  package var location: LuaLocation? { host.running.flatMap(LuaLocation.init(runningIn:)) }

  // MARK: Entries into Lua

  /// The name of Provium's own chunks: without a file, so that the bridge leaves their frames out.
  static let preludeName = "=[provium]"

  /// Compiles source text. `chunkName`: the path that messages show, or Lua's `=name` for source that is not
  /// a file.
  package func load(_ source: [UInt8], chunkName: String) throws(LuaFailure) -> LuaFunction {
    if chunkName != Self.preludeName { try noteGlobals() }
    let isInternal = chunkName.hasPrefix("=")
    if !isInternal { host.failures.places.chunkNames.insert(chunkName) }
    let name = isInternal ? chunkName : "@" + chunkName
    let results = try enter { state, L, outcome in
      source.withUnsafeBytes { bytes in
        clb_load(
          state,
          L,
          bytes.baseAddress?.assumingMemoryBound(to: CChar.self),
          bytes.count,
          name,
          &outcome
        )
      }
    }
    guard case .function(let function)? = results.first else { throw .outOfMemory }
    return function
  }

  /// Calls `function` under pcall. An outer deadline that is earlier than `deadline` stays in force. A
  /// deadline that expires inside is caught here. After this call the outer deadlines are in force again.
  package func call(
    _ function: LuaFunction,
    _ arguments: [LuaValue] = [],
    deadline: Deadline = .never
  ) throws(LuaFailure) -> [LuaValue] {
    host.deadlines.append(deadline)
    defer { host.deadlines.removeLast() }
    return try enter([.function(function)] + arguments) { state, L, tree, outcome in
      clb_call(state, L, &tree, deadline.nanoseconds, &outcome)
    }
  }

  /// Compiles source text and calls it.
  @discardableResult
  package func run(
    _ source: String,
    chunkName: String,
    _ arguments: [LuaValue] = [],
    deadline: Deadline = .never
  ) throws(LuaFailure) -> [LuaValue] {
    try call(load(Array(source.utf8), chunkName: chunkName), arguments, deadline: deadline)
  }

  /// Runs `body` and returns the signal, such as a skip, that the script raised in it and then caught. The
  /// first one, if there are several; nil if there is none. What was raised before does not count.
  package func signalCaught(in body: () throws -> Void) rethrows -> LuaFailure? {
    let outer = host.raisedSignal
    host.raisedSignal = nil
    defer { host.raisedSignal = outer }
    try body()
    return host.raisedSignal.map(LuaFailure.init)
  }

  package func setGlobal(_ name: String, _ value: LuaValue) throws(LuaFailure) {
    host.failures.globalNames.insert(name)
    _ = try enter([.text(name), value]) { clb_set_global($0, $1, &$2, &$3) }
  }

  package func global(_ name: String) throws(LuaFailure) -> LuaValue {
    try enter([.text(name)]) { clb_get_global($0, $1, &$2, &$3) }.first ?? .nil
  }

  /// Notes which globals exist before a script adds its own, for "did you mean".
  func noteGlobals() throws(LuaFailure) {
    guard hasNewGlobals else { return }
    hasNewGlobals = false
    let names = "local names = {} for name in next, _G do names[#names + 1] = name end return names"
    let globals = try run(names, chunkName: Self.preludeName).first?.table?.array ?? []
    host.failures.globalNames.formUnion(globals.compactMap(\.text))
  }

  /// A function that a chunk of the prelude returned.
  package func preludeFunction(_ name: String) throws(LuaFailure) -> LuaFunction {
    guard let function = preludeFunctions[name] else { throw .closed }
    return function
  }

  /// Defines a type of objects.
  /// - Parameter values: the name, the table of methods, and the functions for an unknown member, an
  ///   assignment and `tostring`, as the bridge takes them.
  func define(_ number: Int32, _ values: [LuaValue]) throws(LuaFailure) {
    _ = try enter(values) { clb_define_type($0, $1, number, &$2, &$3) }
  }

  private func enter(
    _ values: [LuaValue],
    _ body: (OpaquePointer, OpaquePointer, inout clb_tree, inout clb_outcome) -> Void
  ) throws(LuaFailure) -> [LuaValue] {
    guard let pointer = host.pointer else { throw .closed }
    var tree = clb_tree()
    do {
      try tree.add(values, handles: host.handles)
    } catch {
      clb_tree_clear(pointer, &tree)
      throw error
    }
    return try enter { state, L, outcome in body(state, L, &tree, &outcome) }
  }

  private func enter(
    _ body: (OpaquePointer, OpaquePointer, inout clb_outcome) -> Void
  ) throws(LuaFailure) -> [LuaValue] {
    guard let pointer = host.pointer, let L = host.running else { throw .closed }
    let released = host.handles.references.takeReleased()
    if !released.isEmpty { clb_unref(pointer, L, released, released.count) }
    defer { host.handles.dropReleased() }

    let depth = clb_stack_depth(L)
    var outcome = clb_outcome()
    interrupt.setting(isInScript: true) { body(pointer, L, &outcome) }
    var reader = LuaValueReader(handles: host.handles, at: outcome.values)
    let values = reader.read(outcome.count)
    defer {
      clb_outcome_release(L, &outcome)
      assert(clb_stack_depth(L) == depth, "an entry into Lua left the stack unbalanced")
    }
    if outcome.skipped != 0 {
      let message = "Provium is broken: a Lua error jumped over \(outcome.skipped) of its functions"
      throw LuaFailure(kind: .raised, message: message)
    }
    if outcome.status != CLB_OK || outcome.stop != CLB_RUNNING {
      throw host.failure(of: outcome, value: values.first, interruptReason: interrupt.reason)
    }
    if let problem = reader.problem { throw LuaFailure(kind: .raised, message: "cannot return \(problem)") }
    return values
  }

  /// For fault tests: after `count` more allocations every further one of Lua fails, until `nil` is given.
  func failAllocations(after count: Int?) {
    if let pointer = host.pointer { clb_fail_allocations(pointer, count ?? -1) }
  }
}
