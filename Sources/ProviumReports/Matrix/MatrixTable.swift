import ProviumEvents
import ProviumSystem

/// The results of a run on several kernels: a row for each file, and for each sub-test whose results differ or that failed; a
/// column for each kernel. Pure.
struct MatrixTable {
  /// The result of one file or sub-test on one kernel.
  struct Cell: Hashable {
    enum Status: String { case passed, failed, todo, skipped, helper, missing }
    let status: Status
    /// `ok`, `FAIL 1 of 3`
    let text: String

    /// The file or sub-test did not run.
    static let missing = Cell(status: .missing, text: "-")
  }
  struct Row {
    let title: String
    let isSubTest: Bool
    let cells: [Cell]

    var hasFailed: Bool { cells.contains { $0.status == .failed } }
  }

  /// The titles of the columns.
  let kernels: [String]
  let rows: [Row]

  /// nil for a run on one kernel.
  init?(of record: RunRecord) {
    guard let header = record.header, header.isMatrix else { return nil }
    kernels = header.kernels
    var titles: [String] = []
    var results: [String: [String: FileResult]] = [:]
    for run in record.finalRuns {
      let cell = header.cell(of: run.file)
      let title = cell.file + (run.round == 0 ? "" : " (run \(run.round + 1))")
      if results[title] == nil { titles.append(title) }
      guard let kernel = cell.kernel else { continue }
      results[title, default: [:]][kernel] = run.finished(
        at: record.duration,
        because: record.ending?.stoppedEarly
      )
    }
    let kernels = header.kernels
    rows = titles.flatMap { title in Self.rows(title, kernels.map { results[title]?[$0] }) }
  }

  private static func rows(_ title: String, _ results: [FileResult?]) -> [Row] {
    let file = Row(
      title: HarmlessText.line(title),
      isSubTest: false,
      cells: results.map { $0.map(cell) ?? .missing }
    )
    let tests = results.map { $0.map { TestTree.ordered($0.subTests) } ?? [] }
    let outcomes = tests.map { tests in
      Dictionary(tests.map { ($0.title, $0.result.outcome) }, uniquingKeysWith: { $1 })
    }
    let subTests = tests.joined().map(\.title).uniqued().map { title in
      Row(
        title: HarmlessText.line(title),
        isSubTest: true,
        cells: outcomes.map { $0[title].map(cell) ?? .missing }
      )
    }
    // A file that did not run on a kernel makes no difference of its sub-tests.
    let ran = results.indices.filter { results[$0] != nil }
    return [file] + subTests.filter { row in row.hasFailed || Set(ran.map { row.cells[$0] }).count > 1 }
  }

  private static func cell(_ result: FileResult) -> Cell {
    if result.hasFailed {
      let failed = result.subTests.count { $0.outcome.isFailure }
      return Cell(
        status: .failed,
        text: failed == 0 ? "FAIL" : "FAIL \(failed) of \(result.subTests.count)"
      )
    }
    return result.isHelper ? Cell(status: .helper, text: "helper") : cell(result.outcome)
  }

  private static func cell(_ outcome: Outcome) -> Cell {
    switch outcome {
    case .passed: Cell(status: .passed, text: "ok")
    case .failed: Cell(status: .failed, text: "FAIL")
    case .todo: Cell(status: .todo, text: "todo")
    case .skipped: Cell(status: .skipped, text: "skipped")
    }
  }
}
