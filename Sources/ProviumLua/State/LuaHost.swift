internal import CLuaBridge
import ProviumSystem

/// The Swift side of the bridge: our functions and objects, by number. It outlives the bridge's state, whose
/// last finalizers still release objects.
final class LuaHost {
  /// A function of ours that Lua may call.
  typealias Body = (_ arguments: [LuaValue]) throws -> [LuaValue]
  private struct Native {
    let name: String
    let body: Body
  }
  private var natives: [Int64: Native] = [:]
  private var nextNative: Int64 = 1

  /// The bridge's state; nil before it is opened and once it is closed.
  var pointer: OpaquePointer?
  let interrupt: LuaInterrupt
  let handles = LuaHandles()
  var failures = FailureReader()
  /// The first signal that was raised since `LuaState.signalCaught` began. It is kept here because a script
  /// may catch it.
  var raisedSignal: RaisedSignal?
  let errorKind = LuaObjectKind(name: "error")
  let signalKind = LuaObjectKind(name: "signal")
  var onPrint: ([UInt8]) -> Void = { _ in }
  /// The deadlines of the calls that are running, outermost first. The first one is that of no call.
  var deadlines: [Deadline] = [.never]
  /// The state or coroutine that is running now.
  var running: OpaquePointer?

  init(interrupt: LuaInterrupt) { self.interrupt = interrupt }

  /// The earliest deadline of all running calls but the `skipped` innermost ones.
  func deadline(skipping skipped: Int = 0) -> Deadline {
    deadlines.dropLast(skipped).reduce(.never) { .earliest($0, $1) }
  }

  /// Keeps a function until `removeAll`, and returns its number.
  func register(_ name: String, _ body: @escaping Body) -> Int64 {
    defer { nextNative += 1 }
    natives[nextNative] = Native(name: name, body: body)
    return nextNative
  }

  func removeAll() {
    natives.removeAll()
    onPrint = { _ in }
  }

  // MARK: Called by C. No Lua error is raised between entry and return.

  func call(
    _ number: Int64,
    in L: OpaquePointer,
    _ arguments: UnsafePointer<clb_value>?,
    _ count: Int,
    _ reply: UnsafeMutablePointer<clb_reply>
  ) {
    let outer = running
    running = L
    defer {
      running = outer
      handles.dropReleased()
    }
    do {
      guard pointer != nil, let native = natives[number] else { throw LuaFailure.closed }
      var reader = LuaValueReader(handles: handles, at: arguments)
      let values = reader.read(count)
      if let problem = reader.problem { throw LuaError.misuse("\(native.name): cannot take \(problem)") }
      let results = try interrupt.setting(isInScript: false) { try native.body(values) }
      try reply.pointee.values.add(results, handles: handles)
      reply.pointee.results = results.count
    } catch {
      answer(error, in: L, reply)
    }
  }

  private func answer(_ error: any Error, in L: OpaquePointer, _ reply: UnsafeMutablePointer<clb_reply>) {
    if let pointer { clb_tree_clear(pointer, &reply.pointee.values) }
    reply.pointee.raises = true
    reply.pointee.results = 1
    let raised = RaisedError(error, in: L)
    guard let signal = raised.failure.payload as? any LuaSignal else {
      let number = handles.objects.handOver(LuaObject(instance: raised, kind: errorKind))
      return reply.pointee.values.add(raised, number: number)
    }
    let raisedSignal = RaisedSignal(signal, at: raised.failure.location)
    self.raisedSignal = self.raisedSignal ?? raisedSignal
    do {
      try reply.pointee.values.add(
        .object(LuaObject(instance: raisedSignal, kind: signalKind)),
        handles: handles
      )
    } catch {
      reply.pointee.values.failed = true
    }
  }

  /// The failure of an entry that did not end well. Call it before the outcome is released.
  func failure(of outcome: clb_outcome, value: LuaValue?, interruptReason: String?) -> LuaFailure {
    var instance: AnyObject?
    if outcome.error != 0 { instance = handles.objects[outcome.error]?.instance }
    if case .object(let object)? = value { instance = object.instance }
    return failures.failure(of: outcome, value: value, instance: instance, interruptReason: interruptReason)
  }

  /// The functions that the bridge calls. The host must outlive the bridge's state.
  var callbacks: clb_host {
    clb_host(
      context: Unmanaged.passUnretained(self).toOpaque(),
      call: { context, L, number, arguments, count, reply in
        guard let context, let L, let reply else { return }
        Unmanaged<LuaHost>.fromOpaque(context).takeUnretainedValue().call(
          number,
          in: L,
          arguments,
          count,
          reply
        )
      },
      release: { context, number in
        guard let context else { return }
        Unmanaged<LuaHost>.fromOpaque(context).takeUnretainedValue().handles.objects.release(number)
      },
      print: { context, bytes, length in
        guard let context else { return }
        let host = Unmanaged<LuaHost>.fromOpaque(context).takeUnretainedValue()
        host.onPrint(Array(UnsafeRawBufferPointer(start: bytes, count: length)))
      },
      deadline: { context, skipped in
        guard let context else { return .max }
        let host = Unmanaged<LuaHost>.fromOpaque(context).takeUnretainedValue()
        let deadline = host.deadline(skipping: Int(skipped))
        // Moves the deadline, if it can be moved.
        _ = deadline.isExpired
        return deadline.nanoseconds
      }
    )
  }
}
