package import ProviumEvents
import ProviumSystem

/// The style of a run's lines on a terminal.
package struct TranscriptStyle: Sendable {
  /// The amount of detail.
  package var verbosity: Verbosity = .normal
  /// Colours, or none.
  package var palette = Palette(isColoured: false)
  /// The text at the top left.
  package var command = "provium test"
  /// Whether lines of tests and guests that a CI system reads as commands (`::error …`) are escaped.
  package var isGuarded = false
  /// Returns the path of a failed file's log; nil when it has none.
  package var logPath: @Sendable (FileResult, RunHeader?) -> String? = { result, header in
    if let path = result.logPath { return path }
    let path = header.map { FileLogs.path(of: result.file, in: $0.runDirectory) }
    return path.flatMap { Files.exists($0) ? $0 : nil }
  }

  /// Makes the style without colours, with normal verbosity.
  package init() {}
}

/// Turns events into lines: the scrolling text of a terminal, and the whole output of a file or pipe. It
/// writes nothing itself.
///
/// The header names the kernel, which is known when the first VM has answered. The header waits for that VM,
/// or for the first line below the header, and then has no kernel.
package struct Transcript: Sendable {
  private let style: TranscriptStyle
  private var record = RunRecord()
  private var hasHeader = false
  private var told = Set<String>()
  private var hasEnded = false

  /// Makes a transcript without lines.
  package init(_ style: TranscriptStyle = TranscriptStyle()) { self.style = style }

  /// Returns the lines that `event` adds.
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

  /// Returns the last lines, unless `runEnded` has returned them.
  package mutating func linesAtEnd() -> [String] { guarded(ending()) }

  private mutating func ending() -> [String] {
    guard !hasEnded, record.header != nil else { return [] }
    hasEnded = true
    let header = header()
    // Files without an end have no lines yet.
    let block = ResultLines(verbosity: style.verbosity, palette: style.palette)
    let unfinished = record.finalRuns.filter { $0.result == nil }
      .flatMap { block.lines(of: $0.finished(at: record.duration, because: record.ending?.stoppedEarly)) }
    let logPath = { [style, header = record.header] (result: FileResult) in style.logPath(result, header) }
    let lines = EndingLines(palette: style.palette, verbosity: style.verbosity, logPath: logPath).lines(
      of: record
    )
    // A last line that is alone needs no empty line above it.
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

  /// GitHub's runner reads `::` and `##[` at the beginning of a line, also after spaces, as a command.
  private func guarded(_ lines: [String]) -> [String] {
    guard style.isGuarded else { return lines }
    return lines.map { line in
      let rest = line.drop { $0 == " " }
      guard rest.hasPrefix("::") || rest.hasPrefix("##[") else { return line }
      return line.prefix(line.count - rest.count) + "\\" + rest
    }
  }
}
