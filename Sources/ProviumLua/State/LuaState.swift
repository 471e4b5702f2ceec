internal import CLuaBridge
package import ProviumSystem

/// One Lua 5.4 interpreter. Owned by one thread; only its `interrupt` may be used from others.
///
/// Functions given to `register` and friends are kept until the state closes; if they hold what owns the state, call
/// `close()` to part them.
package final class LuaState {
  let host = LuaHost()
  private var opened: OpaquePointer?
  private var main: OpaquePointer?
  /// Ends the running script from any thread.
  package let interrupt: LuaInterrupt
  /// What the prelude's chunks gave back for Swift's use, by name.
  var preludeFunctions: [String: LuaFunction] = [:]
  /// Where scripts are looked for, and which were loaded.
  package let scripts = ScriptFiles()

  /// - Parameter memoryLimit: bytes; beyond it a script gets Lua's "not enough memory". 0: none.
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

  /// Runs the script's finalizers, releases its objects and all registered functions. Twice is fine; not from
  /// inside a call.
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

  /// Only while open: inside calls it always is.
  var pointer: OpaquePointer? { opened }

  /// Receives what `print` and `io.write` write, line ends included.
  package var onPrint: ([UInt8]) -> Void {
    get { host.onPrint }
    set { host.onPrint = newValue }
  }

  /// The earliest deadline in force. Setting it replaces that of the present scope; an expired one ends the script
  /// at its next instruction.
  package var deadline: Deadline {
    get { Deadline(nanoseconds: opened.map(clb_deadline) ?? .max) }
    set { if let opened { clb_set_deadline(opened, newValue.nanoseconds) } }
  }

  /// Bytes that Lua holds.
  package var memoryUsed: Int { opened.map(clb_memory_used) ?? 0 }

  /// The script's own line that is running now: of the innermost function of a script file.
  package var location: LuaLocation? { host.running.flatMap(LuaLocation.init(runningIn:)) }

  // MARK: Entries into Lua

  /// Compiles source text. `chunkName`: the path as messages are to show it, or Lua's `=name` for what is no file.
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

  /// Calls `function` under pcall. An outer deadline that is earlier than `deadline` stays in force; whichever
  /// expires inside is caught here, and outside of this call the outer ones are what they were.
  package func call(
    _ function: LuaFunction,
    _ arguments: [LuaValue] = [],
    deadline: Deadline = .never
  ) throws(LuaFailure) -> [LuaValue] {
    try enter([.function(function)] + arguments) { state, L, tree, outcome in
      clb_call(state, L, &tree, deadline.nanoseconds, &outcome)
    }
  }

  /// Loads and calls in one step.
  @discardableResult
  package func run(
    _ source: String,
    chunkName: String,
    _ arguments: [LuaValue] = [],
    deadline: Deadline = .never
  ) throws(LuaFailure) -> [LuaValue] {
    try call(load(Array(source.utf8), chunkName: chunkName), arguments, deadline: deadline)
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
