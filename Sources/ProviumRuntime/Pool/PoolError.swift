import ProviumSystem

/// Why the resource pool does not admit a VM.
package enum PoolError: CodedError, Sendable, CustomStringConvertible {
  /// - Parameters:
  ///   - memory: the most that a request can get; nil: not limited.
  ///   - cpus: likewise.
  case neverFits(request: PoolRequest, memory: UInt64?, cpus: Int?)
  /// - Parameters:
  ///   - name: the file or test that made the request.
  ///   - holders: those that hold a reservation, each with what it waits for.
  case deadlock(request: PoolRequest, name: String, held: UInt64, holders: [String])
  case timedOut(request: PoolRequest, held: UInt64)
  case interrupted

  package var code: ProviumError.Code {
    switch self {
    // The request itself is wrong: it fails again whenever it is repeated.
    case .neverFits: .invalidUse
    case .deadlock, .timedOut: .resources
    case .interrupted: .interrupted
    }
  }

  package var description: String {
    switch self {
    case .neverFits(let request, let memory, let cpus):
      "a machine of \(request.text) can never fit into \(Self.limits(memory, cpus))"
    case .deadlock(let request, let name, let held, let holders):
      "resource deadlock: \(name) needs \(request.text), and no holder can release the "
        + "\(Quantity.text(bytes: held)) in use: \(holders.joined(separator: "; ")). Reserve all VMs at once with "
        + "provium.claim{memory=…, cpus=…} at the top of the file, or run fewer files in parallel (-p)"
    case .timedOut(let request, let held):
      held == 0
        ? "the host had no room for \(request.text) in time, and no VM of this run uses any: end other programs, or give the VM less memory"
        : "the resource pool had no room for \(request.text) in time (\(Quantity.text(bytes: held)) are in use)"
    case .interrupted: "interrupted while waiting for the resource pool"
    }
  }

  /// `512M of memory and 2 CPUs`, or the one that is limited.
  private static func limits(_ memory: UInt64?, _ cpus: Int?) -> String {
    let memory = memory.map { "\(Quantity.text(bytes: $0)) of memory" }
    let cpus = cpus.map { "\($0) CPU\($0 == 1 ? "" : "s")" }
    return [memory, cpus].compactMap { $0 }.joined(separator: " and ")
  }
}
