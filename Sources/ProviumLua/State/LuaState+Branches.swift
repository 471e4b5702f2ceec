internal import CLuaBridge
import ProviumSystem

/// A chain of calls that is left while its thread waits. Belongs to one state.
package final class LuaChain {
  fileprivate var chain = clb_chain()
  fileprivate let running: OpaquePointer?
  fileprivate var deadlines: [Deadline]

  fileprivate init(running: OpaquePointer?, deadlines: [Deadline]) {
    self.running = running
    self.deadlines = deadlines
  }
}

/// Several chains of calls in one state, each on a thread of its own, of which one runs at a time: the owner of the state
/// makes the threads take turns. A chain can be left only inside of a function of ours.
extension LuaState {
  /// Leaves the present chain, so that another thread can use the state.
  package func leaveChain() -> LuaChain {
    let left = LuaChain(running: host.running, deadlines: host.deadlines)
    if let pointer = host.pointer { clb_chain_leave(pointer, &left.chain) }
    return left
  }

  /// Continues a chain on its own thread.
  /// - Parameter mustEnd: whether the script of the chain is to end at its next instruction.
  package func enterChain(_ chain: LuaChain, mustEnd: Bool = false) {
    if mustEnd {
      chain.deadlines = [Deadline(nanoseconds: 1)]
      chain.chain.deadline = 1
    }
    host.running = chain.running
    host.deadlines = chain.deadlines
    if let pointer = host.pointer, let L = host.running { clb_chain_enter(pointer, L, &chain.chain) }
  }

  /// Calls `function` as a chain of its own, on this thread, which has the turn. `leaveChain` was called for the chain whose
  /// deadlines it inherits.
  package func call(
    _ function: LuaFunction,
    besides origin: LuaChain
  ) throws(LuaFailure) -> [LuaValue] {
    guard let pointer = host.pointer, let L = origin.running else { throw .closed }
    var reference: Int64 = 0
    guard let thread = clb_thread_open(pointer, L, &reference) else { throw .outOfMemory }
    let own = LuaChain(running: thread, deadlines: origin.deadlines)
    own.chain.deadline = origin.chain.deadline
    enterChain(own)
    defer {
      // Frees what the chain holds. The Lua thread is not used after this.
      clb_chain_enter(pointer, L, &own.chain)
      clb_unref(pointer, L, &reference, 1)
      host.running = nil
    }
    return try call(function)
  }
}
