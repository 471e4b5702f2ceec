package import ProviumEvents
import ProviumSystem

/// Reports a run on standard output: with a live area on a terminal, as plain lines elsewhere.
package final class TerminalReporter: EventSink {
  private let reporter: any EventSink

  /// Whether the terminal can move its cursor, by its `TERM`.
  package static func canRedraw(_ environment: (String) -> String? = { Environment[$0] }) -> Bool {
    environment("TERM") != "dumb"
  }

  /// - Parameters:
  ///   - isLive: whether to draw a live area. `descriptor` must be a terminal that nothing else writes to.
  ///   - expected: the seconds that each file took in its last run, for the estimate of the time left.
  ///   - isGuarded: see `TranscriptStyle`.
  package init(
    verbosity: Verbosity,
    isColoured: Bool,
    isLive: Bool,
    expected: [String: Double] = [:],
    descriptor: Int32 = 1,
    isGuarded: Bool = false
  ) {
    var style = TranscriptStyle()
    style.verbosity = verbosity
    style.palette = Palette(isColoured: isColoured)
    style.isGuarded = isGuarded
    let output = LineOutput.descriptor(descriptor)
    reporter =
      isLive
      ? LiveReporter(style, expected: expected, output: output, size: { .ofDescriptor(descriptor) })
      : PlainReporter(style, output: output)
  }

  /// Writes the event's lines.
  package func receive(_ event: RunEvent, at time: Double) { reporter.receive(event, at: time) }

  /// Writes a line of the caller above the live area, if there is one.
  package func note(_ text: String) {
    if let live = reporter as? LiveReporter {
      live.note(text)
    } else {
      receive(.warning(file: nil, text: text), at: 0)
    }
  }

  /// Writes the last lines and removes the live area. Idempotent.
  /// - Throws: `ReportError` when lines could not be written.
  package func finish() throws { try reporter.finish() }
}
