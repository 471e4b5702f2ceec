import Logging
package import ProviumAgentClient
package import ProviumSystem
import ProviumVM

/// Operations: each under its time limit, with errors that say what happened to the VM.
extension Machine {
  /// Runs one operation of the VM's main agent.
  /// - Parameters:
  ///   - what: the operation, for the terminal and for messages: `exec make check`.
  ///   - allowance: the operation's own time, added to the usual limit.
  /// - Throws: `ProviumError`.
  package func perform<Value>(
    _ what: String,
    allowance: Duration,
    _ operation: (AgentConnection, Deadline) throws -> Value
  ) throws -> Value {
    let machine = try usable()
    return try guarded(what, on: machine, allowance: allowance) { try operation(machine.connection, $0) }
  }

  /// Returns the VM if operations are possible.
  func usable() throws -> VirtualMachine {
    try checkMayUse()
    if isHalted {
      throw ProviumError(.invalidUse, "the machine is paused by the script: call vm:unpause() first")
    }
    if let virtualMachine, state == .booted { return virtualMachine }
    switch state {
    case .created: throw ProviumError(.invalidUse, "the machine is not booted yet: call vm:boot() first")
    case .dead: throw ProviumError(.machineLost, "the machine is dead\(death.map { ": \($0)" } ?? "")")
    default: throw ProviumError(.invalidUse, "the machine is \(state.rawValue)")
    }
  }

  /// - Throws: if the present branch has another VM of its own.
  func checkMayUse() throws {
    guard let only = context.onlyMachine, only != ObjectIdentifier(self) else { return }
    context.foreignUses += 1
    throw ProviumError(
      .invalidUse,
      "\(label) cannot be used here: this function runs beside others, with a VM of its own"
    )
  }

  /// Runs `body` with the VM, without a time limit.
  func withVirtualMachine<Value>(_ body: (VirtualMachine) throws -> Value) throws -> Value {
    let machine = try usable()
    return try guarded(on: machine) { try body(machine) }
  }

  /// Runs one operation of an agent or a worker of `machine`: reports it, sets its deadline, and translates its errors.
  func guarded<Value>(
    _ what: String,
    on machine: VirtualMachine,
    allowance: Duration,
    _ operation: (Deadline) throws -> Value
  ) throws -> Value {
    context.activity(what)
    log.debug("operation: \(what)")
    let limit = context.services.configuration.settings.operationTimeout * timeoutMultiplier + allowance
    let own = FairDeadline(length: limit, sample: { [process] in process.sample })
    return try guarded(on: machine, allowance: allowance) {
      try operation(.earliest(own.deadline, context.limits.deadline))
    }
  }

  /// Runs `body` and translates its errors.
  func guarded<Value>(on machine: VirtualMachine, allowance: Duration = .zero, _ body: () throws -> Value)
    throws
    -> Value
  {
    lastUse = Self.countUse()
    defer { context.processes.noteOperation() }
    do {
      let result = try context.waiting(for: queue, body)
      try checkDisks(of: machine)
      try checkShares(of: machine)
      return result
    } catch let error as GuestError {
      throw translate(error, machine, allowance: allowance)
    } catch let error as MachineDeath {
      throw died("\(error)", machine, cause: error)
    }
  }

  private func translate(_ error: GuestError, _ machine: VirtualMachine, allowance: Duration) -> ProviumError
  {
    switch error {
    case .refused(.ENOENT, let message) where message.contains("no /bin/sh") && profile.lacksUserland:
      let hint =
        "the profile '\(profile.name)' has a kernel and nothing else; userland = \"busybox\" adds a shell"
      return ProviumError(.refused, "\(error): \(hint)", cause: error)
    case .refused, .tooLarge, .inUse: return ProviumError(.refused, "\(error)", cause: error)
    case .timedOut(let message):
      return ProviumError(.timeout, "\(message): \(limitText(allowance)) was reached", cause: error)
    case .unresponsive(let message):
      // The operation did not end when it was interrupted: the state of the VM is unknown.
      let reason = "\(message): \(limitText(allowance)) was reached"
      return died(reason, machine, cause: error, saying: "the machine is dead: \(reason)")
    case .lost(let peer, let message):
      if let cause = machine.causeOfDeath { return died("\(cause)", machine, cause: cause) }
      if case .worker = peer { return ProviumError(.machineLost, message, cause: error) }
      return died(message, machine, cause: error, saying: "the machine is dead: \(message)")
    case .violation, .incompatible:
      return died("\(error)", machine, cause: error, saying: "the machine is dead: \(error)")
    }
  }

  /// The limit that ended an operation: the scope's, if that came first.
  private func limitText(_ allowance: Duration) -> String {
    if let limit = context.limits.reached { return limit.description }
    let own = context.services.configuration.settings.operationTimeout
    let text = TimeLimit.text(owner: "the operation's", length: own, multiplier: timeoutMultiplier)
    return allowance == .zero ? text : "\(text) and the call's own of \(Quantity.text(allowance))"
  }

  /// Ends the handle's VM if it has died since the last operation.
  package func noticeDeath() {
    if let virtualMachine, state == .booted, let cause = virtualMachine.causeOfDeath {
      _ = died("\(cause)", virtualMachine, cause: cause)
    }
  }

  /// Console lines that an error about a lost VM shows.
  private static let consoleLines = 10

  /// Ends a VM that died, and returns the error.
  /// - Parameter message: what the error says, if that is more than the reason.
  func died(
    _ reason: String,
    _ machine: VirtualMachine,
    cause: any Error,
    saying message: String? = nil
  ) -> ProviumError {
    let hint = context.shortage.map { "; \($0)" } ?? ""
    let code = ProviumError.Code(cause)
    if machine === virtualMachine { saveDying(machine, because: reason) }
    machine.kill()
    // Another VM may have taken its place.
    if machine === virtualMachine {
      death = reason + hint
      end(.dead, reason: reason + hint)
    }
    var error = ProviumError(
      code == .kernelReport ? .kernelReport : .machineLost,
      (message ?? reason) + hint,
      cause: cause,
      console: lastConsole.suffix(Self.consoleLines)
    )
    if case .panicked(let report, _, let tail)? = cause as? MachineDeath {
      error.reports = [report]
      error.console = Self.panic(in: tail)
    }
    return error
  }

  /// The lines of a panic, and two before it: its registers and call trace are longer than what other errors show.
  private static func panic(in tail: [String]) -> [String] {
    guard let start = tail.firstIndex(where: { $0.contains("Kernel panic - not syncing") }) else {
      return tail.suffix(consoleLines)
    }
    return Array(tail.suffix(from: max(0, start - 2)))
  }
}
