import ProviumSystem

/// Why the pool does not admit a machine.
package enum PoolError: Error, Sendable, CustomStringConvertible {
  case neverFits(request: PoolRequest, memory: UInt64, cpus: Int)
  /// - Parameters:
  ///   - name: whose request it was.
  ///   - holders: those who hold something, with what each of them waits for.
  case deadlock(request: PoolRequest, name: String, held: UInt64, holders: [String])
  case timedOut(request: PoolRequest, held: UInt64)
  case interrupted

  /// The request is wrong, whatever else goes on: trying again is no use.
  package var isUsers: Bool { if case .neverFits = self { true } else { false } }

  package var description: String {
    switch self {
    case .neverFits(let request, let memory, let cpus):
      "a machine of \(request.text) can never fit into \(Quantity.text(bytes: memory)) of memory and \(cpus) CPUs"
    case .deadlock(let request, let name, let held, let holders):
      "resource deadlock: \(name) waits for \(request.text), and nothing of the \(Quantity.text(bytes: held)) that are out "
        + "will come back: \(holders.joined(separator: "; ")). Ask for all machines at once with "
        + "provium.claim{memory=…, cpus=…} at the top of the file, or run fewer files in parallel (-p)"
    case .timedOut(let request, let held):
      "the resource pool had no room for \(request.text) in time (\(Quantity.text(bytes: held)) are out)"
    case .interrupted: "interrupted while waiting for the resource pool"
    }
  }
}
