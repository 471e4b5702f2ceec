package import ProviumEvents
import ProviumSystem

/// The reporter that fits the output: live on a terminal, plain elsewhere.
package final class TerminalReporter: EventSink {
  private let reporter: any EventSink

  /// Whether a terminal can move its cursor.
  package static func canRedraw(_ environment: (String) -> String? = { Environment[$0] }) -> Bool {
    environment("TERM") != "dumb"
  }

  /// - Parameters:
  ///   - isLive: `descriptor` is a terminal, and nothing else is written to it meanwhile.
  ///   - expected: seconds that each file took when it last ran, for the estimate of what is left.
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

  /// Writes what the event adds.
  package func receive(_ event: RunEvent, at time: Double) { reporter.receive(event, at: time) }

  /// Puts a line of somebody else's above the live area, if there is one.
  package func note(_ text: String) {
    if let live = reporter as? LiveReporter {
      live.note(text)
    } else {
      receive(.warning(file: nil, text: text), at: 0)
    }
  }

  /// Leaves the terminal clean. Twice is fine.
  package func finish() throws { try reporter.finish() }
}
