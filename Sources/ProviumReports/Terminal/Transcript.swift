package import ProviumEvents
import ProviumSystem

/// How a run is told to a person.
package struct TranscriptStyle: Sendable {
  /// How much is shown.
  package var verbosity: Verbosity = .normal
  /// Colours, or none.
  package var palette = Palette(isColoured: false)
  /// Stands at the top left.
  package var command = "provium test"
  /// Lines of tests and guests that a CI system would take for its commands (`::error …`) are defused.
  package var isGuarded = false
  /// Where a failed file's log is; nil when there is none.
  package var logPath: @Sendable (FileResult, RunHeader?) -> String? = { result, header in
    if let path = result.logPath { return path }
    let path = header.map { FileLogs.path(of: result.file, in: $0.runDirectory) }
    return path.flatMap { Files.exists($0) ? $0 : nil }
  }

  /// Plain and of normal verbosity.
  package init() {}
}

/// Events in, lines out: all that scrolls by on a terminal, and all that a file or pipe gets. A value without effects.
///
/// The header names the kernel, which is known when the first machine has answered: it is held back until then, or until
/// the first line that must stand below it, and then does without.
package struct Transcript: Sendable {
  private let style: TranscriptStyle
  private var record = RunRecord()
  private var hasHeader = false
  private var told = Set<String>()
  private var hasEnded = false

  /// Nothing has been told yet.
  package init(_ style: TranscriptStyle = TranscriptStyle()) { self.style = style }

  /// The lines that `event` adds.
  package mutating func lines(for event: RunEvent, at time: Double) -> [String] {
    record.add(event, at: time)
    return guarded(newLines(for: event, at: time))
  }

  private mutating func newLines(for event: RunEvent, at time: Double) -> [String] {
    switch event {
    case .machineReady: return hasHeader || record.kernels.isEmpty ? [] : header()
    case .activity(let file, let text) where style.verbosity == .verbose:
      let name = file.isEmpty ? "" : "\(HarmlessText.line(file)): "
      return header()
        + [style.palette.faint("  [\(Amount.decimal(time))] \(name)\(HarmlessText.line(text))")]
    case .warning(let file, let text):
      let warning =
        (file.map { "\(HarmlessText.line($0)): " } ?? "") + HarmlessText.lines(text).joined(separator: "\n")
      guard style.verbosity != .quiet, told.insert(warning).inserted else { return [] }
      let lines = warning.split(separator: "\n", omittingEmptySubsequences: false)
      return header() + ["  \(style.palette.odd("warning")): \(lines.first ?? "")"]
        + lines.dropFirst().map { "    \($0)" }
    case .fileEnded(let result):
      let lines = ResultLines(verbosity: style.verbosity, palette: style.palette).lines(of: result)
      return lines.isEmpty ? [] : header() + lines
    case .runEnded: return ending()
    default: return []
    }
  }

  /// The last lines, unless the run's own end has brought them.
  package mutating func linesAtEnd() -> [String] { guarded(ending()) }

  private mutating func ending() -> [String] {
    guard !hasEnded, record.header != nil else { return [] }
    hasEnded = true
    let header = header()
    // Files whose end was never told have no block of their own yet.
    let block = ResultLines(verbosity: style.verbosity, palette: style.palette)
    let unfinished = record.finalRuns.filter { $0.result == nil }
      .flatMap { block.lines(of: $0.finished(at: record.duration, because: record.ending?.stoppedEarly)) }
    let logPath = { [style, header = record.header] (result: FileResult) in style.logPath(result, header) }
    let lines = EndingLines(palette: style.palette, verbosity: style.verbosity, logPath: logPath).lines(
      of: record
    )
    // With nothing above it, the last line needs no space.
    let isAlone = style.verbosity == .quiet && unfinished.isEmpty && record.summary.failed == 0
    return header + unfinished + (isAlone ? Array(lines.drop { $0.isEmpty }) : lines)
  }

  private mutating func header() -> [String] {
    guard !hasHeader, let header = record.header, style.verbosity != .quiet else { return [] }
    hasHeader = true
    return HeaderLines(
      header,
      kernel: record.kernels.first,
      command: style.command,
      palette: style.palette
    ).lines
  }

  /// GitHub's runner takes `::` and `##[` at the beginning of a line, also behind spaces, for a command.
  private func guarded(_ lines: [String]) -> [String] {
    guard style.isGuarded else { return lines }
    return lines.map { line in
      let rest = line.drop { $0 == " " }
      guard rest.hasPrefix("::") || rest.hasPrefix("##[") else { return line }
      return line.prefix(line.count - rest.count) + "\\" + rest
    }
  }
}
