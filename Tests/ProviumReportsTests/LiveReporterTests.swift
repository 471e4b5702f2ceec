import Glibc
import ProviumEvents
import ProviumReports
import ProviumSystem
import Testing

/// A terminal that knows the few sequences that the live area uses.
struct TinyTerminal {
  private(set) var lines: [[Character]] = [[]]
  private var row = 0
  private var column = 0

  /// The visible text, without trailing spaces.
  var text: [String] {
    var lines = lines.map { String($0) }
    while lines.last?.isEmpty == true { lines.removeLast() }
    return lines
  }

  mutating func feed(_ output: String) {
    var rest = output[...]
    while let character = rest.popFirst() {
      switch character {
      case "\n", "\r\n":
        row += 1
        column = 0
        if row == lines.count { lines.append([]) }
      case "\r": column = 0
      case "\u{1B}": control(&rest)
      default:
        while lines[row].count <= column { lines[row].append(" ") }
        lines[row][column] = character
        column += 1
      }
    }
  }

  private mutating func control(_ rest: inout Substring) {
    guard rest.popFirst() == "[" else { return }
    var parameters = ""
    while let next = rest.popFirst() {
      if next.isLetter {
        switch next {
        case "A": row -= Int(parameters) ?? 1
        case "J":
          lines.removeSubrange((row + 1)...)
          lines[row] = Array(lines[row].prefix(column))
        case "K": lines[row] = Array(lines[row].prefix(column))
        default: break
        }
        return
      }
      parameters.append(next)
    }
  }
}

@Suite("The live area") struct LiveAreaTests {
  private let area = LiveArea(palette: Palette(isColoured: false))

  private func state(expected: [String: Double] = [:], until time: Double) -> LiveState {
    var state = LiveState(expected: expected)
    for timed in SampleRun.events where timed.time <= time { state.add(timed.event, at: timed.time) }
    return state
  }

  @Test("shows the activity of each file, its VMs, and the counts") func running() {
    #expect(
      area.lines(state(until: 0.1), at: 1.5, columns: 80, rows: 24) == [
        "  ⠴ boot.lua   booting default: kernel                                       1s",
        "  ⠴ token.lua  waits for memory and processors                               1s",
        "  0/6 files · 1 VM, 256M · 1s",
      ]
    )
  }

  @Test("shows a single file while its VM boots") func single() {
    var header = SampleRun.header
    header.files = ["boot.lua"]
    var state = LiveState()
    state.add(.runStarted(header), at: 0)
    state.add(.fileStarted(file: "boot.lua", attempt: 0), at: 0)
    state.add(.activity(file: "boot.lua", text: "booting default: kernel"), at: 0.1)
    #expect(
      area.lines(state, at: 2, columns: 60, rows: 24) == [
        "  ⠋ boot.lua  booting default: kernel                    2s", "  0/1 file · 2s",
      ]
    )
  }

  @Test("counts failures, except those of attempts that a later attempt made good") func counts() {
    #expect(
      area.lines(state(until: 6.59), at: 6.6, columns: 80, rows: 24).last?.hasPrefix(
        "  3/6 files · 1 failed · "
      ) == true
    )
    #expect(
      area.lines(state(until: 8.2), at: 8.2, columns: 80, rows: 24).last?.hasPrefix(
        "  4/6 files · 1 failed · "
      ) == true
    )
  }

  @Test("estimates the time left from the files' earlier durations") func estimate() {
    let expected = [
      "boot.lua": 10.0, "token.lua": 20, "helpers.lua": 10, "net/tcp.lua": 10, "weird.lua": 10, "old.lua": 10,
    ]
    let last = area.lines(state(expected: expected, until: 0.1), at: 0.01, columns: 80, rows: 24).last
    #expect(last?.hasSuffix(" · about 35s left") == true)
    // The longest file that runs cannot end sooner.
    let late = area.lines(state(expected: ["weird.lua": 300], until: 8.3), at: 8.3, columns: 80, rows: 24)
      .last
    #expect(late?.hasSuffix("about 5m 0s left") == true)
  }

  @Test(
    "never fills a line completely, whatever the names of the files",
    arguments: [1, 10, 20, 39, 80, 200]
  )
  func width(columns: Int) {
    var state = LiveState()
    state.add(.runStarted(SampleRun.header), at: 0)
    for file in [SampleRun.weird, SampleRun.long, "漢字👩‍🚀/" + SampleRun.long] {
      state.add(.fileStarted(file: file, attempt: 0), at: 0)
      state.add(.activity(file: file, text: SampleRun.weird + SampleRun.long), at: 0)
    }
    for line in area.lines(state, at: 4000, columns: columns, rows: 24) {
      #expect(DisplayWidth.of(line) < max(11, columns))
      #expect(HarmlessText.clean(line) == line)
    }
  }

  @Test("uses at most a third of the screen, and counts the files that it leaves out") func height() {
    var state = LiveState()
    state.add(.runStarted(SampleRun.header), at: 0)
    for number in 0..<50 { state.add(.fileStarted(file: "f\(number).lua", attempt: 0), at: 0) }
    let lines = area.lines(state, at: 0, columns: 80, rows: 24)
    #expect(lines.count == 9)
    #expect(lines[7] == "    and 43 more")
  }

  @Test("is empty before the run and after it") func empty() {
    #expect(area.lines(LiveState(), at: 0, columns: 80, rows: 24) == [])
    #expect(area.lines(state(until: 9), at: 9, columns: 80, rows: 24) == [])
  }
}

@Suite("The live screen") struct LiveScreenTests {
  @Test("writes only lines that changed") func difference() {
    var screen = LiveScreen()
    _ = screen.update(area: ["one", "two"], columns: 80)
    let second = screen.update(area: ["one", "2"], columns: 80)
    #expect(second.contains("2") && !second.contains("one"))
    #expect(screen.update(area: ["one", "2"], columns: 80) == "")
  }

  @Test("puts lines above the area, and leaves no old rows when the area shrinks or grows") func area() {
    var screen = LiveScreen()
    var terminal = TinyTerminal()
    terminal.feed(screen.update(area: ["a", "b", "c"], columns: 80))
    terminal.feed(screen.update(above: ["done 1"], area: ["a long line", "c"], columns: 80))
    #expect(terminal.text == ["done 1", "a long line", "c"])
    terminal.feed(screen.update(area: ["x"], columns: 80))
    terminal.feed(screen.update(area: ["x", "y", "z"], columns: 80))
    #expect(terminal.text == ["done 1", "x", "y", "z"])
    terminal.feed(screen.update(above: ["end"], area: [], columns: 80))
    #expect(terminal.text == ["done 1", "end"])
  }

  @Test("clears the extra rows of its lines after the terminal has become narrower") func resized() {
    var screen = LiveScreen()
    _ = screen.update(area: [String(repeating: "x", count: 70), "y"], columns: 80)
    #expect(screen.update(area: ["z"], columns: 40).contains("\u{1B}[3A\r\u{1B}[J"))
  }
}

@Suite("The live reporter") struct LiveReporterTests {
  @Test("leaves the same lines on the screen as the plain report") func sameAsPlain() throws {
    let collected = Collected()
    let reporter = LiveReporter(
      SampleRun.quietLogs(TranscriptStyle()),
      output: collected.output,
      size: { .init(columns: 100, rows: 30) }
    )
    for timed in SampleRun.events { reporter.receive(timed.event, at: timed.time) }
    try reporter.finish()
    try reporter.finish()
    var terminal = TinyTerminal()
    terminal.feed(collected.text)
    #expect(terminal.text.map { $0 + "\n" }.joined() == Golden.plain)
  }

  @Test("shows a booting file without further events, and removes the area when interrupted") func ticks()
    throws
  {
    let collected = Collected()
    let reporter = LiveReporter(
      SampleRun.quietLogs(TranscriptStyle()),
      output: collected.output,
      size: { .init(columns: 60, rows: 30) }
    )
    reporter.receive(.runStarted(SampleRun.header), at: 0)
    reporter.receive(.fileStarted(file: "boot.lua", attempt: 0), at: 0)
    reporter.receive(.activity(file: "boot.lua", text: "booting default: kernel"), at: 0)
    let deadline = Deadline.after(.seconds(10))
    while !collected.text.contains("booting default: kernel"), !deadline.isExpired { usleep(5_000) }
    #expect(collected.text.contains("booting default: kernel"))
    reporter.note("a word from elsewhere")
    try reporter.finish()
    var terminal = TinyTerminal()
    terminal.feed(collected.text)
    #expect(terminal.text.contains("a word from elsewhere"))
    #expect(terminal.text.last == "FAIL: 0 files passed, 1 failed")
    #expect(!terminal.text.contains { $0.contains("booting") && !$0.contains("did not end") })
  }

  @Test("reads the size of its terminal, and assumes 80 by 24 for other outputs") func size() throws {
    let master = open("/dev/ptmx", O_RDWR | O_NOCTTY)
    try #require(master >= 0)
    defer { close(master) }
    var size = winsize(ws_row: 33, ws_col: 101, ws_xpixel: 0, ws_ypixel: 0)
    try #require(ioctl(master, UInt(TIOCSWINSZ), &size) == 0)
    #expect(TerminalSize.ofDescriptor(master) == TerminalSize(columns: 101, rows: 33))
    #expect(TerminalSize.ofDescriptor(-1) == TerminalSize(columns: 80, rows: 24))
  }
}
