import ProviumEvents
import ProviumLua
import ProviumRuntime
import ProviumVM

/// Turns the end of a script or a sub-test into an outcome.
struct OutcomeReader {
  let scope: MachineScope

  /// Returns the outcome of a failed script or sub-test, and the kernel reports that its message names.
  /// - Parameter uses: the count of VM operations when it began; failures show the VMs that were used since.
  func outcome(of failure: LuaFailure, usesBefore uses: UInt64) -> (Outcome, naming: Set<KernelReport.ID>) {
    switch failure.payload {
    case ScriptSignal.todo(let reason)?: return (.todo(reason: reason), [])
    case ScriptSignal.skip(let reason)?: return (.skipped(reason: reason), [])
    default: break
    }
    let (kind, message) = classify(failure)
    var result = Failure(
      kind: kind,
      message: message,
      location: failure.location.map { ScriptLocation(file: $0.file, line: $0.line) }
    )
    result.traceback = failure.traceback
    let used = scope.machines.used(since: uses)
    result.trace =
      used.count > 1 ? used.flatMap { ["\($0.label):"] + $0.traceLines } : used.first?.traceLines ?? []
    result.console = used.first?.consoleTail ?? []
    return (.failed(result), (failure.payload as? ProviumError)?.reports ?? [])
  }

  /// Returns the failure of an error that no line of the script raised.
  func failure(of error: any Error) -> Failure {
    if let reason = scope.cancellation.reason {
      return Failure(kind: .infrastructure, message: interrupted(reason))
    }
    return Failure(kind: FailureKind(error), message: Self.message(of: error))
  }

  private func classify(_ failure: LuaFailure) -> (FailureKind, String) {
    switch failure.kind {
    case .deadline:
      let limit = scope.limits.reached?.description ?? "a time limit"
      return (.timeout, "\(limit) was reached during: \(scope.control.ledger.activity)")
    case .interrupted: return (.infrastructure, interrupted(failure.message))
    case .raised, .syntax, .memory, .closed: break
    }
    guard let error = failure.payload else { return (.error, failure.message) }
    // A request to end the scope ends its VMs: the errors about that are not the reason.
    if let reason = scope.cancellation.reason, Self.isOfMachine(error) {
      return (.infrastructure, interrupted(reason))
    }
    return (FailureKind(error), failure.message == "\(error)" ? Self.message(of: error) : failure.message)
  }

  private static func isOfMachine(_ error: any Error) -> Bool {
    switch error {
    case let error as ProviumError: error.code.failureKind != .error
    default: error is PoolError
    }
  }

  /// The error's text without the console, which reports show by itself.
  private static func message(of error: any Error) -> String {
    (error as? ProviumError)?.message ?? "\(error)"
  }

  private func interrupted(_ reason: String) -> String {
    "\(reason) during: \(scope.control.ledger.activity)"
  }
}
