import Glibc
package import ProviumEvents
import ProviumSystem

/// A run on a terminal. Finished files scroll by, with the lines of `PlainReporter`. Below them, a live area
/// shows the running files; a thread draws it up to ten times a second.
package final class LiveReporter: EventSink {
  private struct State {
    var transcript: Transcript
    var live: LiveState
    var screen = LiveScreen()
    /// The run's time at the last event, and the host's clock at the same moment.
    var time = 0.0
    var seen = Deadline.now
    var isRunning = true
    var isJoined = false

    var now: Double { time + Double(Deadline.now - seen) / 1e9 }
  }

  private let state: Monitor<State>
  private let area: LiveArea
  private let output: LineOutput
  private let size: @Sendable () -> TerminalSize
  private let ticker: DedicatedThread?

  /// - Parameters:
  ///   - expected: the seconds that each file took in its last run, for the estimate.
  ///   - size: called for each drawing, so that a resized terminal is noticed within a tenth of a second.
  package init(
    _ style: TranscriptStyle = TranscriptStyle(),
    expected: [String: Double] = [:],
    output: LineOutput = .descriptor(1),
    size: @escaping @Sendable () -> TerminalSize = { .ofDescriptor(1) }
  ) {
    let state = Monitor(State(transcript: Transcript(style), live: LiveState(expected: expected)))
    let area = LiveArea(palette: style.palette)
    self.state = state
    self.area = area
    self.output = output
    self.size = size
    // Without a thread, the area changes only with each new line.
    ticker = try? DedicatedThread(name: "live", stackSize: 512 << 10) {
      while state.read({ $0.isRunning }) {
        state.update { if $0.isRunning { Self.draw(&$0, [], area, output, size()) } }
        _ = state.wait(until: .after(.milliseconds(100))) { $0.isRunning ? nil : true }
      }
    }
  }

  /// Writes the event's lasting lines at once. The ticker draws its changes of the live area.
  package func receive(_ event: RunEvent, at time: Double) {
    state.update { state in
      state.time = time
      state.seen = Deadline.now
      state.live.add(event, at: time)
      let lines = state.transcript.lines(for: event, at: time)
      if !lines.isEmpty { Self.draw(&state, lines, area, output, size()) }
    }
  }

  /// Writes a line of the caller above the live area.
  package func note(_ text: String) {
    state.update { Self.draw(&$0, HarmlessText.lines(text), area, output, size()) }
  }

  /// Removes the live area and writes the last lines, unless `runEnded` has written them. Idempotent.
  /// - Throws: `ReportError` when lines could not be written.
  package func finish() throws {
    let mustJoin = state.update { state -> Bool in
      defer { state.isJoined = true }
      guard state.isRunning else { return !state.isJoined }
      state.isRunning = false
      output.write(
        state.screen.update(above: state.transcript.linesAtEnd(), area: [], columns: size().columns)
      )
      return true
    }
    if mustJoin { ticker?.join() }
    try output.check()
  }

  private static func draw(
    _ state: inout State,
    _ lines: [String],
    _ area: LiveArea,
    _ output: LineOutput,
    _ size: TerminalSize
  ) {
    let now =
      state.isRunning ? area.lines(state.live, at: state.now, columns: size.columns, rows: size.rows) : []
    let text = state.screen.update(above: lines, area: now, columns: size.columns)
    if !text.isEmpty { output.write(text) }
  }
}

/// A terminal's size, in characters.
package struct TerminalSize: Sendable, Hashable {
  /// Characters of a line.
  package var columns: Int
  /// Lines.
  package var rows: Int

  /// Makes a size.
  package init(columns: Int, rows: Int) {
    self.columns = columns
    self.rows = rows
  }

  /// The size from the kernel (`TIOCGWINSZ`, ioctl_tty(2)); 80 by 24 when the kernel does not know it.
  package static func ofDescriptor(_ descriptor: Int32) -> TerminalSize {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
      return TerminalSize(columns: 80, rows: 24)
    }
    return TerminalSize(columns: Int(size.ws_col), rows: Int(size.ws_row))
  }
}
