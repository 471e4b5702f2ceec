import ProviumLua
import ProviumRuntime
import ProviumSystem

/// Functions of a script that run side by side: one call of `provium.all`, or checkers of crash points.
///
/// `@unchecked Sendable` because the compiler cannot see the rule that makes it safe: one thread at a time has the turn of `branches`,
/// and only that thread touches the Lua state and the other properties. A `Mutex` cannot hold the state across a call of a script.
final class ConcurrentRun: @unchecked Sendable {
  private let branches = Branches()
  private let state: LuaState
  private let context: ScriptContext
  /// The call's name, for messages.
  private let name: String
  private let functions: [LuaFunction]
  private var results: [LuaValue]
  /// The chain of calls that started the functions, while they run.
  private var origin: LuaChain?
  /// The function that failed first, from 0.
  private var failed: (index: Int, error: any Error)?

  init(_ functions: [LuaFunction], in state: LuaState, _ context: ScriptContext, name: String) {
    self.functions = functions
    self.state = state
    self.context = context
    self.name = name
    results = Array(repeating: .nil, count: functions.count)
  }

  /// Leaves the chain of calls of a function that waits.
  private func leave() -> () -> Void {
    let chain = state.leaveChain()
    let checker = context.checker
    return { [self] in
      state.enterChain(chain, mustEnd: branches.haveEnded)
      context.checker = checker
    }
  }

  /// Runs all functions, and returns the first result of each.
  /// - Throws: the error of the function that failed first, after all have ended.
  func run() throws -> [LuaValue] {
    try context.scope.context.running(branches, leave: leave) { try runBranches() }
  }

  private func runBranches() throws -> [LuaValue] {
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
    context.checker = nil
    state.enterChain(own)
    if let refusal { throw refusal }
    if let failed { throw self.error(failed.error, of: failed.index) }
    return results
  }

  private func run(_ index: Int, _ ticket: UInt64) {
    branches.takeTurn(ticket)
    context.checker = nil
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
  private func error(_ error: any Error, of index: Int) -> any Error {
    guard var failure = error as? LuaFailure, failure.kind == .raised, !(failure.payload is any LuaSignal)
    else {
      return error
    }
    // Reports show the rest of such an error by itself.
    if let machine = failure.payload as? ProviumError, failure.message == "\(machine)" {
      failure.message = machine.message
    }
    failure.message = "function \(index + 1) of \(name): \(failure.message)"
    return failure
  }
}
