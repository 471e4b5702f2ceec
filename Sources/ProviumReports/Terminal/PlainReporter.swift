package import ProviumEvents
import Synchronization

/// Reports a run to a pipe, a file, or a terminal that cannot be redrawn: each file when it ends, and the run's end.
package final class PlainReporter: EventSink {
  private let transcript: Mutex<Transcript>
  private let output: LineOutput

  package init(_ style: TranscriptStyle = TranscriptStyle(), output: LineOutput = .descriptor(1)) {
    transcript = Mutex(Transcript(style))
    self.output = output
  }

  /// Writes the event's lines.
  package func receive(_ event: RunEvent, at time: Double) {
    transcript.withLock { output.write(lines: $0.lines(for: event, at: time)) }
  }

  /// Writes the last lines, unless `runEnded` has written them. Idempotent.
  /// - Throws: `ReportError` when lines could not be written.
  package func finish() throws {
    transcript.withLock { output.write(lines: $0.linesAtEnd()) }
    try output.check()
  }
}
