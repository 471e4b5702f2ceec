import ProviumEvents
import ProviumSystem

/// The sub-tests that are running, outermost first, and what has come of those that ended. Owned by the file's thread.
struct SubTestStack {
  struct Frame {
    let path: [String]
    let location: ScriptLocation
    let tags: [String]
    let started: UInt64
    /// Not selected: it runs for the sake of a test inside.
    let isContainer: Bool
    /// Machines that are used later are used by it.
    let usesBefore = ScriptMachine.uses
    var output = ""
    /// What kernels reported while it was the innermost one.
    var reports = FoundReports()
    /// Names of the sub-tests that began in it.
    var childNames = OrdinalNames()
    /// Names of the sub-tests in it that failed.
    var failedChildren: [String] = []
  }

  private(set) var frames: [Frame] = []
  private(set) var results: [SubTestResult] = []
  /// What was printed outside sub-tests.
  private(set) var outerOutput = ""
  /// Some sub-tests were not selected.
  private(set) var hasLeftOut = false
  /// What kernels reported outside sub-tests.
  private(set) var outerReports = FoundReports()
  private var topNames = OrdinalNames()
  /// How many sub-tests may be inside of each other. Each takes four of the 200 nested C calls that Lua allows.
  static let deepest = 24
  /// More output than this of one test is cut: a script that prints in a loop must not fill the memory.
  private static let outputLimit = 1 << 20

  var path: [String] { frames.last?.path ?? [] }
  var tags: [String] { frames.flatMap(\.tags) }

  /// The name of the next sub-test, which the script calls `name`: with an ordinal, `name #2`, if there was one in the same parent.
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

  /// What kernels reported by now belongs to the innermost sub-test, or to the file.
  mutating func note(_ found: FoundReports) {
    if let last = frames.indices.last { frames[last].reports.add(found) } else { outerReports.add(found) }
  }

  /// Ends the innermost sub-test; what its machines' kernels reported may fail it. nil for a container that has nothing to tell.
  mutating func pop(_ outcome: Outcome, properties: [String: String]) -> SubTestResult? {
    guard let frame = frames.popLast() else { return nil }
    var outcome = frame.reports.judge(outcome, at: frame.location)
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
      duration: Double(Deadline.now - frame.started) / 1e9,
      location: frame.location
    )
    result.output = frame.output
    result.tags = tags + frame.tags
    result.properties = properties
    // What failed in it tells for itself.
    if frame.isContainer, result.outcome.failure.map({ $0.kind == .inner }) ?? (result.outcome == .passed) {
      append(output: frame.output)
      return nil
    }
    results.append(result)
    return result
  }

  /// A sub-test that did not run.
  mutating func record(_ name: String, outcome: Outcome, tags: [String], at location: ScriptLocation)
    -> SubTestResult
  {
    var result = SubTestResult(path: path + [name], outcome: outcome, duration: 0, location: location)
    result.tags = self.tags + tags
    results.append(result)
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
