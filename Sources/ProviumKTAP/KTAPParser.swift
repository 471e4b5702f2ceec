#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// Reads the output of a test program as it comes and reports each result once.
///
/// Understands KTAP 1 and TAP 12 to 14, nesting by indentation (KUnit) and by `# ` prefixes (kselftest) to any depth, several
/// documents one after the other, and lines that a forked child prints again. Memory is bounded whatever the program
/// prints. Not thread-safe.
///
/// A nested result is reported when its parent's result is read, since the parent's name follows its children.
package struct KTAPParser {
  /// Longer lines are cut: no name is that long.
  package static let lineLimit = 64 << 10
  /// Bytes of text kept for the next result.
  package static let diagnosticLimit = 16 << 10
  /// Nested results kept until their parent's result is read; more are reported under the name of their group.
  package static let pendingLimit = 50_000
  /// Problems kept in the summary.
  private static let problemLimit = 100
  private static let depthLimit = 64

  private var partial: [UInt8] = []
  private var isCut = false
  private var levels = [KTAPLevel(column: 0)]
  private var isInYAML = false
  private var text = TailBuffer(limit: KTAPParser.diagnosticLimit)
  /// Results in other formats, reported at the end of an output without KTAP.
  private var plainResults: [KTAPResult] = []
  private var plainNames = KTAPLevel(column: 0)
  /// More are not kept: their program prints for ever.
  private static let plainLimit = 10_000
  private var summary = KTAPSummary()

  private let readsResults: Bool

  /// - Parameter readsResults: false: everything is text.
  package init(readsResults: Bool = true) { self.readsResults = readsResults }

  /// Reads some bytes; a line may end in a later call.
  /// - Parameter report: called for each result, in the order of the output.
  package mutating func read(_ bytes: UnsafeRawBufferPointer, report: (KTAPResult) -> Void) {
    var rest = bytes
    while let end = Self.newline(in: rest) {
      let line = UnsafeRawBufferPointer(rebasing: rest[..<end])
      if partial.isEmpty, !isCut {
        take(UnsafeRawBufferPointer(rebasing: line.prefix(Self.lineLimit)), report)
      } else {
        keep(line)
        takePartial(report)
      }
      rest = UnsafeRawBufferPointer(rebasing: rest[(end + 1)...])
    }
    keep(rest)
  }

  /// Ends the output.
  package mutating func finish(report: (KTAPResult) -> Void) -> KTAPSummary {
    if !partial.isEmpty { takePartial(report) }
    leave(to: 0, report)
    if !summary.isKTAP { for result in plainResults { deliver(result, at: 0, report) } }
    closeDocument(of: 0, path: [])
    emitOrphans(of: 0, report)
    summary.trailingText = text.take()
    return summary
  }

  private static func newline(in bytes: UnsafeRawBufferPointer) -> Int? {
    guard let base = bytes.baseAddress, let found = memchr(base, 0x0A, bytes.count) else { return nil }
    return UnsafeRawPointer(found) - base
  }

  private mutating func keep(_ bytes: UnsafeRawBufferPointer) {
    let room = Self.lineLimit - partial.count
    if bytes.count > room { isCut = true }
    partial.append(contentsOf: bytes.prefix(max(0, room)))
  }

  private mutating func takePartial(_ report: (KTAPResult) -> Void) {
    let line = partial
    partial.removeAll(keepingCapacity: true)
    isCut = false
    line.withUnsafeBytes { take($0, report) }
  }

  private mutating func take(_ line: UnsafeRawBufferPointer, _ report: (KTAPResult) -> Void) {
    let (range, copy) = KTAPCleaner.clean(line)
    if let copy {
      copy.withUnsafeBytes { takeClean(UnsafeRawBufferPointer(rebasing: $0[range]), report) }
    } else {
      takeClean(UnsafeRawBufferPointer(rebasing: line[range]), report)
    }
  }

  private mutating func takeClean(_ line: UnsafeRawBufferPointer, _ report: (KTAPResult) -> Void) {
    guard readsResults else {
      text.append(line)
      return
    }
    var parsed = KTAPLine(line)
    if isInYAML {
      if case .yamlEnd = parsed.kind { isInYAML = false }
      text.append(line)
      return
    }
    var torn: UnsafeRawBufferPointer?
    if case .result = parsed.kind, let position = KTAPCleaner.tornAt(line) {
      // A kernel message interrupted the line.
      torn = UnsafeRawBufferPointer(rebasing: line[position...])
      parsed = KTAPLine(UnsafeRawBufferPointer(rebasing: line[..<position]))
    }
    switch parsed.kind {
    case .text, .yamlEnd:
      if !summary.isKTAP { takePlain(line) }
      text.append(line)
    case .yamlStart:
      isInYAML = true
      text.append(line)
    case .version:
      enter(parsed.column, report)
      startDocument(report)
    case .plan(let count, let skip): takePlan(count, skip: skip, column: parsed.column, report)
    case .subtest(let name):
      enter(parsed.column, report)
      levels[levels.count - 1].name = name
    case .bailOut(let reason):
      summary.isKTAP = true
      summary.bailOut = summary.bailOut ?? reason
    case .result(let test): takeResult(test, column: parsed.column, line, report)
    }
    if let torn { text.append(torn) }
  }

  private mutating func takePlain(_ line: UnsafeRawBufferPointer) {
    guard plainResults.count < Self.plainLimit, let result = PlainResultLine(line), !result.name.isEmpty
    else { return }
    plainResults.append(
      KTAPResult(
        path: [plainNames.unique(result.name)],
        outcome: result.outcome,
        // The line is the message of a failure.
        diagnostics: result.outcome == .failed ? line.text(from: 0).trimmed : ""
      )
    )
  }

  // MARK: Levels

  /// Makes the level of `column` the innermost one.
  private mutating func enter(_ column: Int, _ report: (KTAPResult) -> Void) {
    summary.isKTAP = true
    while levels.count > 1, let last = levels.last, last.column > column {
      leave(to: levels.count - 2, report)
    }
    guard let last = levels.last, column > last.column, levels.count < Self.depthLimit else { return }
    // The first document may itself be indented.
    if levels.count == 1, !levels[0].isUsed {
      levels[0].column = column
    } else {
      levels.append(KTAPLevel(column: column))
    }
  }

  /// Ends the levels inside `levels[index]`; their results wait for the result of their parent.
  private mutating func leave(to index: Int, _ report: (KTAPResult) -> Void) {
    while levels.count - 1 > index {
      var level = levels.removeLast()
      let parent = levels.count - 1
      if let problem = level.planProblem {
        level.problems.append(
          Self.placed(problem, levels.dropFirst().compactMap(\.name) + [level.name ?? ""])
        )
      }
      var group = KTAPGroup(name: level.name, results: level.results, problems: level.problems)
      // A group inside a group that never got its result.
      for orphan in level.groups { group.results += orphan.named(level.unique(orphan.shownName)) }
      levels[parent].groups.append(group)
      if levels[parent].pendingCount > Self.pendingLimit { emitOrphans(of: parent, report) }
    }
  }

  private mutating func closeDocument(of index: Int, path: [String]) {
    guard let problem = levels[index].planProblem else { return }
    let placed = Self.placed(problem, path)
    if index == 0 { note(placed) } else { levels[index].problems.append(placed) }
  }

  private static func placed(_ problem: String, _ path: [String]) -> String {
    let place = path.filter { !$0.isEmpty }.joined(separator: " / ")
    return place.isEmpty ? problem : "\(place): \(problem)"
  }

  private mutating func note(_ problem: String) {
    if summary.problems.count < Self.problemLimit { summary.problems.append(problem) }
  }

  private mutating func startDocument(_ report: (KTAPResult) -> Void) {
    let index = levels.count - 1
    guard levels[index].isUsed else { return }
    closeDocument(of: index, path: index == 0 ? [] : levels.dropFirst().compactMap(\.name))
    if index == 0 { emitOrphans(of: 0, report) }
    levels[index].restart()
  }

  private mutating func takePlan(_ count: Int, skip: String?, column: Int, _ report: (KTAPResult) -> Void) {
    enter(column, report)
    let index = levels.count - 1
    if let planned = levels[index].planned {
      // A forked child prints again what it found in the output buffer; another count begins another document.
      guard planned != count else {
        summary.duplicates += 1
        return
      }
      startDocument(report)
    }
    levels[index].planned = count
    if let skip, index == 0, levels[0].seen == 0 { summary.skippedEntirely = skip }
  }

  // MARK: Results

  private mutating func takeResult(
    _ test: KTAPLine.Test,
    column: Int,
    _ line: UnsafeRawBufferPointer,
    _ report: (KTAPResult) -> Void
  ) {
    // Without a number it is prose unless a document has begun there.
    guard
      test.number != nil || test.hasDash
        || levels.contains(where: { $0.column == column && ($0.planned != nil || $0.isUsed) })
    else {
      text.append(line)
      return
    }
    enter(column, report)
    let index = levels.count - 1
    guard levels[index].isNew(test) else {
      summary.duplicates += 1
      return
    }
    let groups = levels[index].groups
    levels[index].groups = []
    let own = Self.withoutProcess(test.name)
    let plain = own.isEmpty ? groups.last?.name.flatMap { $0.isEmpty ? nil : $0 } ?? "" : own
    let name = levels[index].unique(plain.isEmpty ? "test \(test.number ?? levels[index].seen)" : plain)
    for result in groups.merged(below: name) { deliver(result, at: index, report) }
    for group in groups { group.problems.forEach { note($0) } }
    deliver(KTAPResult(path: [name], outcome: test.outcome, diagnostics: text.take()), at: index, report)
  }

  /// Without a process number at the start, as in `[1234] Result (0) matches`: it is another one in each run.
  private static func withoutProcess(_ name: String) -> String {
    guard name.hasPrefix("["), let end = name.firstIndex(of: "]") else { return name }
    let number = name[..<end].dropFirst(), rest = String(name[name.index(after: end)...]).trimmed
    return !number.isEmpty && number.allSatisfy({ ("0"..."9").contains($0) }) && !rest.isEmpty ? rest : name
  }

  private mutating func deliver(_ result: KTAPResult, at index: Int, _ report: (KTAPResult) -> Void) {
    guard index == 0 else {
      levels[index].results.append(result)
      return
    }
    summary.results += 1
    if result.isFailure { summary.failures += 1 }
    if case .skipped(let reason) = result.outcome {
      summary.skips += 1
      summary.lastSkipReason = reason
    }
    report(result)
  }

  /// Reports groups whose own result did not come.
  private mutating func emitOrphans(of index: Int, _ report: (KTAPResult) -> Void) {
    let groups = levels[index].groups
    levels[index].groups = []
    for group in groups {
      let name = levels[index].unique(group.shownName)
      for result in group.named(name) { deliver(result, at: index, report) }
      group.problems.forEach { note($0) }
      note("the result of the group '\(name)' is missing")
    }
  }
}

extension KTAPLine.Test {
  var outcome: KTAPResult.Outcome {
    switch directive {
    case .skip(let reason): .skipped(reason: reason)
    case .todo(let reason): .todo(reason: reason)
    case .expectedFailure(let reason): .todo(reason: reason)
    case .timeout(let reason): .timedOut(reason: reason)
    case .other, nil: isOK ? .passed : .failed
    }
  }
}
