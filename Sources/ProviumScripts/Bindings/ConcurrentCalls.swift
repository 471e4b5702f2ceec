import ProviumLua
import ProviumRuntime
import ProviumSystem

/// `provium.all{fn, …}`: functions of the script that run side by side.
///
/// Each function has a thread and a Lua thread of its own. One thread at a time runs Lua; a function that waits for a guest
/// lets the others run.
enum ConcurrentCalls {
  /// The most functions of one call: each takes a thread.
  private static let most = 64

  static func all(_ call: LuaCall, _ context: ScriptContext) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let argument = call.argument(1, "functions")
    let functions = try argument.list().map { try $0.function() }
    guard (1...most).contains(functions.count) else {
      throw argument.expected("a list of 1 to \(most) functions")
    }
    let scope = context.scope
    guard scope.context.branches == nil else {
      throw call.misuse("cannot be called inside another provium.all: give all functions to one call")
    }
    let run = ConcurrentRun(functions, in: call.state)
    let results = try scope.context.running(run.branches, leave: run.leave) { try run.run() }
    // A boot does not wait for VMs that other functions use.
    try scope.machines.updateHosts()
    return results
  }
}

/// One call of `provium.all`.
///
/// Sendable although it holds the Lua state: everything but `branches` is touched by the thread that has the turn.
private final class ConcurrentRun: @unchecked Sendable {
  let branches = Branches()
  private let state: LuaState
  private let functions: [LuaFunction]
  private var results: [LuaValue]
  /// The calls of the function that called `provium.all`, while the others run.
  private var origin: LuaChain?
  /// The function that failed first, from 0.
  private var failed: (index: Int, error: any Error)?

  init(_ functions: [LuaFunction], in state: LuaState) {
    self.functions = functions
    self.state = state
    results = Array(repeating: .nil, count: functions.count)
  }

  /// Leaves the chain of calls of a function that waits.
  func leave() -> () -> Void {
    let chain = state.leaveChain()
    return { [state, branches] in state.enterChain(chain, mustEnd: branches.haveEnded) }
  }

  /// Runs all functions, and returns the first result of each.
  /// - Throws: the error of the function that failed first, after all have ended.
  func run() throws -> [LuaValue] {
    let own = state.leaveChain()
    origin = own
    branches.takeTurn()
    var threads: [DedicatedThread] = []
    var refusal: (any Error)?
    /// The turn that a thread which could not be started would have taken.
    var unused: UInt64?
    do {
      for index in functions.indices {
        // In the order of the functions, whichever thread is the first to run.
        let ticket = branches.askForTurn()
        do {
          threads.append(try DedicatedThread(name: "branch-\(index + 1)") { self.run(index, ticket) })
        } catch {
          unused = ticket
          throw error
        }
      }
    } catch {
      refusal = error
      branches.endAll()
    }
    branches.giveTurn()
    if let unused {
      branches.takeTurn(unused)
      branches.giveTurn()
    }
    for thread in threads { thread.join() }
    branches.takeTurn()
    state.enterChain(own)
    if let refusal { throw refusal }
    if let failed { throw Self.error(failed.error, of: failed.index) }
    return results
  }

  private func run(_ index: Int, _ ticket: UInt64) {
    branches.takeTurn(ticket)
    defer { branches.giveTurn() }
    guard !branches.haveEnded, let origin else { return }
    do {
      results[index] = try state.call(functions[index], besides: origin).first ?? .nil
    } catch {
      failed = failed ?? (index, error)
      branches.endAll()
    }
  }

  /// Names the function in the message of an error. A signal, a time limit and the end of the run stay what they are.
  private static func error(_ error: any Error, of index: Int) -> any Error {
    guard var failure = error as? LuaFailure, failure.kind == .raised, !(failure.payload is any LuaSignal)
    else {
      return error
    }
    // Reports show the rest of such an error by itself.
    if let machine = failure.payload as? ProviumError, failure.message == "\(machine)" {
      failure.message = machine.message
    }
    failure.message = "function \(index + 1) of provium.all: \(failure.message)"
    return failure
  }
}
