import Glibc
package import ProviumEvents
import ProviumSystem

/// A run on a terminal: what is finished scrolls by, as `PlainReporter` has it; below it stands what is going on, drawn
/// anew up to ten times a second by a thread of its own.
package final class LiveReporter: EventSink {
  private struct State {
    var transcript: Transcript
    var live: LiveState
    var screen = LiveScreen()
    /// The run's clock, by the last event, and ours at that time.
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
  ///   - expected: seconds that each file took when it last ran, for the estimate.
  ///   - size: asked at each drawing: a terminal that was resized is noticed within a tenth of a second.
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
    // Without a thread the area still changes with each line that is told.
    ticker = try? DedicatedThread(name: "live", stackSize: 512 << 10) {
      while state.read({ $0.isRunning }) {
        state.update { if $0.isRunning { Self.draw(&$0, [], area, output, size()) } }
        _ = state.wait(until: .after(.milliseconds(100))) { $0.isRunning ? nil : true }
      }
    }
  }

  /// Writes at once what the event adds for good; what it changes below waits for the ticker.
  package func receive(_ event: RunEvent, at time: Double) {
    state.update { state in
      state.time = time
      state.seen = Deadline.now
      state.live.add(event, at: time)
      let lines = state.transcript.lines(for: event, at: time)
      if !lines.isEmpty { Self.draw(&state, lines, area, output, size()) }
    }
  }

  /// Puts a line of somebody else's above the live area: what would else be written through it.
  package func note(_ text: String) {
    state.update { Self.draw(&$0, HarmlessText.lines(text), area, output, size()) }
  }

  /// Takes the live area off the screen and tells the end, when the run itself did not. Twice is fine.
  package func finish() {
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
  /// Characters in a line.
  package var columns: Int
  /// Lines.
  package var rows: Int

  /// A size, as given.
  package init(columns: Int, rows: Int) {
    self.columns = columns
    self.rows = rows
  }

  /// As the kernel knows it (`TIOCGWINSZ`); 80 by 24 when it does not.
  package static func ofDescriptor(_ descriptor: Int32) -> TerminalSize {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
      return TerminalSize(columns: 80, rows: 24)
    }
    return TerminalSize(columns: Int(size.ws_col), rows: Int(size.ws_row))
  }
}
