import ProviumSystem

/// A kept VM that cannot be opened or removed: a user error.
package enum KeptFailureError: CodedError, CustomStringConvertible {
  case nothingKept(folder: String)
  case gone(id: String, known: [String])
  case ambiguous(id: String, known: [String])
  case inUse(id: String)
  case unreadable(id: String, reason: String)
  case otherHost(id: String, difference: String)
  /// The guest cannot be used by a shell.
  case dead(id: String, reason: String)
  case notImported(path: String, reason: String)
  case notPossible(id: String, reason: String)

  package var code: ProviumError.Code { .configuration }

  package var description: String {
    switch self {
    case .nothingKept(let folder):
      return "no VM is kept in \(folder): provium test --keep-failed keeps the VMs of failed tests"
    case .gone(let id, let known):
      let list = known.isEmpty ? "none is kept" : "kept are \(known.joined(separator: ", "))"
      return "no VM with the ID '\(id)' is kept (it may have left for newer ones, see keep_max): \(list)"
    case .ambiguous(let id, let known):
      return "'\(id)' begins several IDs: \(known.joined(separator: ", "))"
    case .inUse(let id): return "\(id) cannot be removed: a process has it open"
    case .unreadable(let id, let reason): return "the kept VM \(id) cannot be opened: \(reason)"
    case .otherHost(let id, let difference):
      return "the kept VM \(id) cannot be opened on this host: \(difference)"
    case .dead(let id, let reason):
      return "\(reason), so there is no shell in it; look at it with:\n"
        + "  provium open \(id) --console\n  provium open \(id) --gdb\n"
        + "  provium open \(id) --core FILE"
    case .notImported(let path, let reason): return "\(path) cannot be imported: \(reason)"
    case .notPossible(let id, let reason): return "\(id): \(reason)"
    }
  }
}
