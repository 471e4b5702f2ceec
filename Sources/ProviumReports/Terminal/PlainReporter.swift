package import ProviumEvents
import ProviumSystem
import Synchronization

/// Where lines go. Errors are not the run's: a reader that went away (`| head`) must not fail it.
package struct LineOutput: Sendable {
  /// Takes whole lines, each with its end.
  package let write: @Sendable (String) -> Void

  /// An output of the caller's own.
  package init(write: @escaping @Sendable (String) -> Void) { self.write = write }

  /// Writes to an open descriptor, which stays the caller's.
  package static func descriptor(_ number: Int32) -> LineOutput {
    LineOutput { text in try? Files.writeAll(Array(text.utf8), to: number, path: "the terminal") }
  }

  func write(lines: [String]) {
    if !lines.isEmpty { write(lines.map { $0 + "\n" }.joined()) }
  }
}

/// A run for a pipe, a file, or a terminal that cannot be redrawn: each file as it ends, and the end.
package final class PlainReporter: EventSink {
  private let transcript: Mutex<Transcript>
  private let output: LineOutput

  /// Writes to standard output, unless told otherwise.
  package init(_ style: TranscriptStyle = TranscriptStyle(), output: LineOutput = .descriptor(1)) {
    transcript = Mutex(Transcript(style))
    self.output = output
  }

  /// Writes what the event adds.
  package func receive(_ event: RunEvent, at time: Double) {
    transcript.withLock { output.write(lines: $0.lines(for: event, at: time)) }
  }

  /// Tells the end, when the run itself did not.
  package func finish() {
    transcript.withLock { output.write(lines: $0.linesAtEnd()) }
  }
}
