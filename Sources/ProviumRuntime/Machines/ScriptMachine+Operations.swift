import ProviumEvents
import ProviumAgentClient
import ProviumLua
import ProviumVM
import ProviumSystem

/// What scripts do with a machine: each operation under its limit, and what its failure says of the machine.
extension ScriptMachine {
  func perform<Value>(
    _ what: String,
    allowance: Duration,
    _ operation: (AgentConnection, Deadline) throws -> Value
  ) throws -> Value {
    let machine = try usable()
    return try guarded(what, on: machine, allowance: allowance) { try operation(machine.connection, $0) }
  }

  /// The machine, if it can be talked to.
  func usable() throws -> VirtualMachine {
    if let machine, state == .booted { return machine }
    switch state {
    case .created: throw UnnamedMisuse("the machine is not booted yet: call vm:boot() first")
    case .dead: throw HarnessFault("the machine is dead\(death.map { ": \($0)" } ?? "")")
    default: throw UnnamedMisuse("the machine is \(state.rawValue)")
    }
  }

  /// Runs one operation of that machine's agent or a worker: says what goes on, sets the deadline, and sorts the errors.
  func guarded<Value>(
    _ what: String,
    on machine: VirtualMachine,
    allowance: Duration,
    _ operation: (Deadline) throws -> Value
  ) throws -> Value {
    lastUse = Self.tick()
    session.activity(what)
    let limit = session.engine.configuration.settings.operationTimeout * timeScale + allowance
    do {
      return try operation(min(.after(limit), session.scriptDeadline))
    } catch let error as GuestError {
      throw translate(error, machine, allowance: allowance)
    } catch let error as MachineDeath {
      throw died("\(error)", machine, kind: error.failureKind)
    }
  }

  private func translate(_ error: GuestError, _ machine: VirtualMachine, allowance: Duration) -> any Error {
    switch error {
    case .refused, .tooLarge, .inUse: return GuestRefusal(description: "\(error)")
    case .timedOut(let message):
      return HarnessFault("\(message): \(limitText(allowance)) was reached", kind: .timeout)
    case .unresponsive(let message):
      // It did not give up its operation when it was interrupted: nothing can be said of its state any more.
      let reason = "\(message): \(limitText(allowance)) was reached"
      return died(reason, machine, saying: "the machine is dead: \(reason)")
    case .lost(let peer, let message):
      if let cause = machine.causeOfDeath {
        return died("\(cause)", machine, kind: (cause as? MachineDeath)?.failureKind ?? .infrastructure)
      }
      if case .worker = peer { return HarnessFault(message) }
      return died(message, machine, saying: "the machine is dead: \(message)")
    case .violation, .incompatible:
      return died("\(error)", machine, saying: "the machine is dead: \(error)")
    }
  }

  /// The limit that ended an operation: the script's, if it came first.
  private func limitText(_ allowance: Duration) -> String {
    if let limit = session.reachedLimit { return limit.description }
    let own = session.engine.configuration.settings.operationTimeout
    let text = TimeLimit.text(owner: "the operation's", length: own, scale: timeScale)
    return allowance == .zero ? text : "\(text) and the call's own of \(Quantity.text(allowance))"
  }

  /// Nothing can go on with a machine that took leave to be saved.
  func couldNotBeSaved(_ reason: String, _ machine: VirtualMachine) -> HarnessFault {
    died("\(label) could not be saved, and is gone: \(reason)", machine)
  }

  /// - Parameter message: what the script is told, where that is more than the reason.
  func died(
    _ said: String,
    _ machine: VirtualMachine,
    saying message: String? = nil,
    kind: FailureKind = .infrastructure
  ) -> HarnessFault {
    let hint = session.shortage.map { "; \($0)" } ?? ""
    machine.kill()
    // Another machine may be in its place by now, which has nothing to do with it.
    if machine === self.machine {
      death = said + hint
      end(.dead, reason: said + hint)
    }
    return HarnessFault(
      (message ?? said) + hint,
      kind: kind,
      console: lastConsole.suffix(HarnessFault.consoleLines)
    )
  }
}

/// The guest said no: a plain error of the script's, no fault of the harness.
struct GuestRefusal: Error, CustomStringConvertible {
  let description: String
}
