import ProviumRuntime
import ProviumSystem

/// Crash points that are checked side by side, and what came of it. Belongs to the branch that has the turn.
struct CrashBatch {
  /// The result of one check.
  struct Verdict {
    let hasPassed: Bool
    /// Output of the check's `print`.
    let output: String
    /// In nanoseconds.
    let duration: UInt64
    let reports: KernelReportFindings
  }

  /// The indices of crash points that no checker has taken yet, ascending.
  private var open: ArraySlice<Int>
  private var verdicts: [Int: Verdict] = [:]

  init(_ indices: [Int] = []) { open = indices[...] }

  var isEmpty: Bool { open.isEmpty }

  mutating func take() -> Int? { open.popFirst() }

  /// The verdict about a crash point; nil: it was not checked.
  subscript(index: Int) -> Verdict? {
    get { verdicts[index] }
    set { verdicts[index] = newValue }
  }
}
