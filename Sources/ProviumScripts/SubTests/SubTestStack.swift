import ProviumEvents
import ProviumRuntime
import ProviumVM
import ProviumSystem

/// The sub-tests that run, outermost first, and the results of those that ended. Belongs to the file's
/// thread.
struct SubTestStack {
  struct Frame {
    let path: [String]
    let location: ScriptLocation
    let tags: [String]
    var started: UInt64
    /// When its function ended. What follows is not part of its duration: kernel reports, collectors of failures.
    var ended: UInt64?
    /// Whether it runs only because a selected sub-test is inside.
    let isContainer: Bool
    /// The count of VM operations at its beginning: VMs with a later use were used by it.
    let usesBefore = Machine.uses
    var output = ""
    /// Kernel reports that appeared while it was the innermost sub-test.
    var reports = KernelReportFindings()
    /// Names of the sub-tests that began in it.
    var childNames = OrdinalNames()
    /// Names of the sub-tests in it that failed.
    var failedChildren: [String] = []
  }

  private(set) var frames: [Frame] = []
  private(set) var results: [SubTestResult] = []
  /// Text that was printed outside sub-tests.
  private(set) var outerOutput = ""
  /// Whether some sub-tests were not selected.
  private(set) var hasLeftOut = false
  /// Kernel reports that appeared outside sub-tests.
  private(set) var outerReports = KernelReportFindings()
  private var topNames = OrdinalNames()
  /// The greatest depth of nested sub-tests. Each takes four of the 200 nested C calls that Lua allows.
  static let deepest = 24
  /// The output of one sub-test that is kept, in bytes: a script that prints in a loop must not fill the
  /// memory.
  private static let outputLimit = 1 << 20

  var path: [String] { frames.last?.path ?? [] }
  var tags: [String] { frames.flatMap(\.tags) }

  /// Returns the name of the next sub-test, which the script calls `name`: with an ordinal, `name #2`, if its
  /// parent has one of that name already.
  mutating func nextName(_ name: String) -> String {
    guard let last = frames.indices.last else { return topNames.next(name) }
    return frames[last].childNames.next(name)
  }

  mutating func leaveOut() { hasLeftOut = true }

  mutating func push(_ name: String, tags: [String], at location: ScriptLocation, isContainer: Bool = false) {
    frames.append(
      Frame(
        path: path + [name],
        location: location,
        tags: tags,
        started: Deadline.now,
        isContainer: isContainer
      )
    )
  }

  /// Assigns kernel reports to the innermost sub-test, or to the file.
  mutating func note(_ found: KernelReportFindings) {
    if let last = frames.indices.last { frames[last].reports.add(found) } else { outerReports.add(found) }
  }

  /// Adds work for the innermost sub-test that was done before it began.
  /// - Parameter nanoseconds: its duration.
  mutating func addEarlierWork(_ nanoseconds: UInt64) {
    if let last = frames.indices.last { frames[last].started -= nanoseconds }
  }

  /// Notes that the function of the innermost sub-test has ended.
  mutating func endBody() {
    if let last = frames.indices.last { frames[last].ended = Deadline.now }
  }

  /// Ends the innermost sub-test. Kernel reports may fail it.
  /// - Parameter named: kernel reports that the outcome's message names already.
  /// - Returns: the result; nil for a container that did not fail by itself.
  mutating func pop(_ outcome: Outcome, naming named: Set<KernelReport.ID>, properties: [String: String])
    -> SubTestResult?
  {
    guard let frame = frames.popLast() else { return nil }
    var outcome = frame.reports.judge(outcome, naming: named, at: frame.location)
    if !outcome.isFailure, !frame.failedChildren.isEmpty {
      let names = frame.failedChildren.joined(separator: ", ")
      outcome = .failed(
        Failure(kind: .inner, message: "inner tests failed: \(names)", location: frame.location)
      )
    }
    if outcome.isFailure, let outer = frames.indices.last, let name = frame.path.last {
      frames[outer].failedChildren.append(name)
    }
    var result = SubTestResult(
      path: frame.path,
      outcome: outcome,
      duration: Double((frame.ended ?? Deadline.now) - frame.started) / 1e9,
      location: frame.location
    )
    result.output = frame.output
    result.tags = tags + frame.tags
    result.properties = properties
    // The failures inside are reported by themselves.
    if frame.isContainer, result.outcome.failure.map({ $0.kind == .inner }) ?? (result.outcome == .passed) {
      append(output: frame.output)
      return nil
    }
    results.append(result)
    return result
  }

  /// Whether kernel reports appeared in the innermost sub-test.
  var hasReports: Bool { frames.last.map { !$0.reports.isEmpty } ?? false }

  /// Replaces the result that was added last.
  mutating func replaceLast(_ result: SubTestResult) { results[results.count - 1] = result }

  /// Records a sub-test that does not run.
  mutating func record(_ name: String, outcome: Outcome, tags: [String], at location: ScriptLocation)
    -> SubTestResult
  {
    var result = SubTestResult(path: path + [name], outcome: outcome, duration: 0, location: location)
    result.tags = self.tags + tags
    results.append(result)
    return result
  }

  /// Records the result of a test that a program of the guest ran inside the innermost sub-test.
  mutating func record(
    program path: [String],
    outcome: Outcome,
    output: String,
    duration: Double,
    at location: ScriptLocation
  ) -> SubTestResult {
    var result = SubTestResult(
      path: self.path + path,
      outcome: outcome,
      duration: duration,
      location: location
    )
    result.output = output
    result.tags = tags
    results.append(result)
    // A failed inner test comes before the failed test around it: one name for both.
    if outcome.isFailure, let last = frames.indices.last, let name = path.first,
      frames[last].failedChildren.last != name
    {
      frames[last].failedChildren.append(name)
    }
    return result
  }

  mutating func append(output text: String) {
    func add(to output: inout String) {
      guard output.utf8.count < Self.outputLimit else { return }
      output += text
      if output.utf8.count >= Self.outputLimit { output += "\n… (output cut at 1 MiB)\n" }
    }
    if let last = frames.indices.last { add(to: &frames[last].output) } else { add(to: &outerOutput) }
  }
}
