internal import CLuaBridge
package import ProviumSystem

/// One Lua 5.4 interpreter. One thread owns it; other threads may use its `interrupt` only.
///
/// The state retains the functions that are registered until it closes. If they retain the owner of the state, call
/// `close()` to break the cycle.
package final class LuaState {
  let host = LuaHost()
  private var opened: OpaquePointer?
  private var main: OpaquePointer?
  /// Ends the running script from any thread.
  package let interrupt: LuaInterrupt
  /// The functions that the prelude's chunks returned, by name.
  var preludeFunctions: [String: LuaFunction] = [:]
  /// The search folders of scripts, and the scripts that were loaded.
  package let scripts = ScriptFiles()

  /// - Parameter memoryLimit: in bytes. Above it a script gets Lua's "not enough memory". 0: no limit.
  package init(memoryLimit: Int = 2 << 30, interrupt: LuaInterrupt = LuaInterrupt()) throws(LuaFailure) {
    self.interrupt = interrupt
    guard let opened = clb_open(host.callbacks, memoryLimit, interrupt.flag) else { throw .outOfMemory }
    self.opened = opened
    main = clb_main(opened)
    host.state = self
    host.running = main
    try installPrelude()
  }

  deinit { close() }

  /// Runs the script's finalizers, and releases its objects and all registered functions. Idempotent. Must not be called
  /// from inside a call.
  package func close() {
    guard let opened else { return }
    self.opened = nil
    main = nil
    preludeFunctions.removeAll()
    host.running = nil
    interrupt.programs.close()
    interrupt.setting(isInScript: true) { clb_close(opened) }
    host.removeAll()
    host.dropReleased()
  }

  /// The bridge's state; nil once it is closed. It is open inside calls.
  var pointer: OpaquePointer? { opened }

  /// Receives what `print` and `io.write` write, line ends included.
  package var onPrint: ([UInt8]) -> Void {
    get { host.onPrint }
    set { host.onPrint = newValue }
  }

  /// The earliest deadline in force. Setting it replaces the deadline of the present scope. An expired deadline ends the
  /// script at its next instruction.
  package var deadline: Deadline {
    get { host.deadline() }
    set {
      host.deadlines[host.deadlines.count - 1] = newValue
      if let opened { clb_set_deadline(opened, newValue.nanoseconds) }
    }
  }

  /// Whether the running script must end. Functions that may work for long check it.
  package var mustEnd: Bool { interrupt.reason != nil || deadline.isExpired }

  /// The memory that Lua holds, in bytes.
  package var memoryUsed: Int { opened.map(clb_memory_used) ?? 0 }

  /// The running line of the innermost function of a script file.
  package var location: LuaLocation? { host.running.flatMap(LuaLocation.init(runningIn:)) }

  // MARK: Entries into Lua

  /// Compiles source text. `chunkName`: the path that messages show, or Lua's `=name` for source that is not a file.
  package func load(_ source: [UInt8], chunkName: String) throws(LuaFailure) -> LuaFunction {
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

  /// Calls `function` under pcall. An outer deadline that is earlier than `deadline` stays in force. A deadline that
  /// expires inside is caught here. After this call the outer deadlines are in force again.
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

  /// Runs `body` and returns the signal, such as a skip, that the script raised in it and then caught. The first one,
  /// if there are several; nil if there is none. What was raised before does not count.
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

  func define(_ type: any LuaObjectTypeDescription, number: Int32) throws(LuaFailure) {
    _ = try enter(type.definition(in: self)) { clb_define_type($0, $1, number, &$2, &$3) }
  }

  private func enter(
    _ values: [LuaValue],
    _ body: (OpaquePointer, OpaquePointer, inout clb_tree, inout clb_outcome) -> Void
  ) throws(LuaFailure) -> [LuaValue] {
    guard let opened else { throw .closed }
    var tree = clb_tree()
    do {
      try tree.add(values, host: host)
    } catch {
      clb_tree_clear(opened, &tree)
      throw error
    }
    return try enter { state, L, outcome in body(state, L, &tree, &outcome) }
  }

  private func enter(
    _ body: (OpaquePointer, OpaquePointer, inout clb_outcome) -> Void
  ) throws(LuaFailure) -> [LuaValue] {
    guard let opened, let L = host.running else { throw .closed }
    let released = host.references.takeReleased()
    if !released.isEmpty { clb_unref(opened, L, released, released.count) }
    defer { host.dropReleased() }

    let depth = clb_stack_depth(L)
    var outcome = clb_outcome()
    interrupt.setting(isInScript: true) { body(opened, L, &outcome) }
    var reader = LuaValueReader(host: host, at: outcome.values)
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
    if let opened { clb_fail_allocations(opened, count ?? -1) }
  }
}
