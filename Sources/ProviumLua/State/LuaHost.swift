internal import CLuaBridge
import ProviumSystem

/// A function of ours that Lua may call.
package typealias LuaNative = (LuaCall) throws -> [LuaValue]

/// The Swift side of the bridge: our functions and objects, by number. It outlives the bridge's state, whose last
/// finalizers still release objects.
final class LuaHost {
  private struct Native {
    let name: String
    let body: LuaNative
  }
  private var natives: [Int64: Native] = [:]
  private var nextNative: Int64 = 1
  private var types: [ObjectIdentifier: Int32] = [:]

  var objects = LuaObjectTable()
  let references = LuaReferences()
  var failures = FailureReader()
  /// The first signal that was raised since `LuaState.signalCaught` began. It is kept here because a script may catch it.
  var raisedSignal: RaisedSignal?
  private let errorType = LuaObjectType<RaisedError>(name: "error", methods: [:])
  private let signalType = LuaObjectType<RaisedSignal>(name: "signal", methods: [:]) { "\($0.signal)" }
  var onPrint: ([UInt8]) -> Void = { _ in }
  weak var state: LuaState?
  /// The deadlines of the calls that are running, outermost first. The first one is that of no call.
  var deadlines: [Deadline] = [.never]
  /// The state or coroutine that is running now.
  var running: OpaquePointer?

  /// The earliest deadline of all running calls but the `skipped` innermost ones.
  func deadline(skipping skipped: Int = 0) -> Deadline {
    deadlines.dropLast(skipped).reduce(.never) { .earliest($0, $1) }
  }

  func register(_ name: String, _ body: @escaping LuaNative) -> Int64 {
    defer { nextNative += 1 }
    natives[nextNative] = Native(name: name, body: body)
    return nextNative
  }

  /// Drops the objects that Lua no longer holds. Their `deinit` may enter Lua again.
  func dropReleased() {
    let released = objects.takeReleased()
    withExtendedLifetime(released) {}
  }

  func removeAll() {
    natives.removeAll()
    onPrint = { _ in }
  }

  func function(reference: Int64) -> LuaFunction {
    LuaFunction(target: .reference(reference, references), owner: ObjectIdentifier(self))
  }

  func function(native: Int64) -> LuaFunction {
    LuaFunction(target: .native(native), owner: ObjectIdentifier(self))
  }

  func outgoing(_ function: LuaFunction) throws(LuaFailure) -> clb_value {
    guard function.owner == ObjectIdentifier(self) else {
      throw LuaFailure(kind: .raised, message: "a function of another Lua state cannot be used here")
    }
    var value = clb_value()
    switch function.target {
    case .native(let number):
      value.kind = CLB_NATIVE
      value.integer = number
    case .reference(let number, _):
      value.kind = CLB_FUNCTION
      value.integer = number
      value.length = Int(objects.keep(function))
    }
    return value
  }

  func outgoing(_ object: LuaObject) throws(LuaFailure) -> clb_value {
    var value = clb_value()
    value.kind = CLB_OBJECT
    value.type = try number(of: object.type)
    value.integer = objects.handOver(object)
    return value
  }

  /// The type's number in this state. The first use defines the type there.
  func number(of type: any LuaObjectTypeDescription) throws(LuaFailure) -> Int32 {
    if let number = types[ObjectIdentifier(type)] { return number }
    guard let state else { throw .closed }
    let number = Int32(types.count + 1)
    types[ObjectIdentifier(type)] = number
    do {
      try state.define(type, number: number)
    } catch {
      types[ObjectIdentifier(type)] = nil
      throw error
    }
    return number
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
      dropReleased()
    }
    do {
      guard let state, state.pointer != nil, let native = natives[number] else { throw LuaFailure.closed }
      var reader = LuaValueReader(host: self, at: arguments)
      let call = LuaCall(state: state, name: native.name, arguments: reader.read(count))
      if let problem = reader.problem { throw call.misuse("cannot take \(problem)") }
      let results = try state.interrupt.setting(isInScript: false) { try native.body(call) }
      try reply.pointee.values.add(results, host: self)
      reply.pointee.results = results.count
    } catch {
      answer(error, in: L, reply)
    }
  }

  private func answer(_ error: any Error, in L: OpaquePointer, _ reply: UnsafeMutablePointer<clb_reply>) {
    if let pointer = state?.pointer { clb_tree_clear(pointer, &reply.pointee.values) }
    reply.pointee.raises = true
    reply.pointee.results = 1
    let raised = RaisedError(error, in: L)
    guard let signal = raised.failure.payload as? any LuaSignal else {
      let number = objects.handOver(LuaObject(instance: raised, type: errorType))
      return reply.pointee.values.add(raised, number: number)
    }
    let raisedSignal = RaisedSignal(signal, at: raised.failure.location)
    self.raisedSignal = self.raisedSignal ?? raisedSignal
    do {
      try reply.pointee.values.add(signalType.value(raisedSignal), host: self)
    } catch {
      reply.pointee.values.failed = true
    }
  }

  /// The failure of an entry that did not end well. Call it before the outcome is released.
  func failure(of outcome: clb_outcome, value: LuaValue?, interruptReason: String?) -> LuaFailure {
    var instance: AnyObject?
    if outcome.error != 0 { instance = objects[outcome.error]?.instance }
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
        Unmanaged<LuaHost>.fromOpaque(context).takeUnretainedValue().objects.release(number)
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
