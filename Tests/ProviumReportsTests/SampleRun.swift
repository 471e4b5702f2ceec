import Glibc
import ProviumEvents
import ProviumReports
import ProviumSystem

/// A temporary directory, removed when the value is destroyed.
final class Scratch: Sendable {
  let path: String
  init() throws {
    path = "/tmp/provium-reports-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    try Files.createDirectories(path)
  }
  deinit { try? Files.removeTree(path) }
}

/// A run with every kind of event and difficult text.
enum SampleRun {
  /// Quotes, markup, a control character, an escape sequence, an emoji, right-to-left text, a mark that reverses the text after it.
  static let weird = "\"<b>&amp;'\u{1B}[31m red\u{7} 👩‍🚀 שלום \u{202E}gnp.exe ]]> #1\nsecond line"
  static let long = String(repeating: "very long ", count: 60) + "name"

  static let header = RunHeader(
    version: "1.0.0",
    qemu: "7.2.22 (Debian 1:7.2)",
    accelerator: "tcg",
    acceleratorReason: "/dev/kvm does not run guest code",
    channel: "virtio-serial",
    channelReason: "no /dev/vhost-vsock",
    timeScale: 1,
    files: ["boot.lua", "token.lua", "helpers.lua", "net/tcp.lua", "weird.lua", "old.lua"],
    parallel: 2,
    startedAt: 1_767_268_800,
    seed: nil,
    pool: nil,
    runDirectory: "/run/provium/r1"
  )

  static func at(_ line: Int, _ file: String = "tests/boot.lua") -> ScriptLocation {
    .init(file: file, line: line)
  }

  static func test(
    _ path: [String],
    _ outcome: Outcome,
    _ duration: Double = 0.2,
    _ location: ScriptLocation = at(3),
    output: String = ""
  ) -> SubTestResult {
    var result = SubTestResult(path: path, outcome: outcome, duration: duration, location: location)
    result.output = output
    return result
  }

  static let boot: FileResult = {
    var tagged = test(["kernel version"], .passed, output: "6.1.0\n")
    tagged.tags = ["quick", "core"]
    tagged.properties = ["issue": "KERN-7"]
    return FileResult(
      file: "boot.lua",
      outcome: .passed,
      subTests: [
        tagged, test(["proc mounted"], .passed), test(["module loads"], .todo(reason: "needs 6.6"), 0),
      ],
      duration: 2.9
    )
  }()

  static let token: FileResult = {
    var failure = Failure(
      kind: .assertion,
      message: "expected \"0\", got \"-13\"",
      location: at(14, "tests/token.lua")
    )
    failure.console = ["[    1.0] audit: denied", "\u{1B}[1m[    1.1] panic? no\u{1B}[0m\r"]
    failure.trace = ["exec(\"id -u\") = 0 <0.01s>", "write_file(\"/etc/token\", 12 bytes) = EACCES"]
    var diff = Failure(
      kind: .assertion,
      message: "texts differ:\n- one\n+ two\n  three",
      location: at(30, "tests/token.lua")
    )
    diff.traceback = ["tests/token.lua:30: in function 'check'", "tests/token.lua:41: in main chunk"]
    let inner = Failure(
      kind: .inner,
      message: "inner tests failed: second",
      location: at(20, "tests/token.lua")
    )
    var result = FileResult(
      file: "token.lua",
      outcome: .passed,
      subTests: [
        test(["denies others"], .failed(failure), 1.1, at(14, "tests/token.lua"), output: "uid is 0\n"),
        test(["outer", "first"], .passed, 0.1, at(22, "tests/token.lua")),
        test(["outer", "second"], .failed(diff), 0.1, at(30, "tests/token.lua")),
        test(["outer"], .failed(inner), 0.3, at(20, "tests/token.lua")),
        test(["later"], .skipped(reason: "not on tcg"), 0, at(50, "tests/token.lua")),
      ],
      duration: 2.1
    )
    result.logPath = "RUN-DIRECTORY/token.lua.log"
    return result
  }()

  static let helper: FileResult = {
    var result = FileResult(file: "helpers.lua", outcome: .passed, subTests: [], duration: 0.01)
    result.isHelper = true
    return result
  }()

  static func tcp(attempt: Int) -> FileResult {
    var failure = Failure(kind: .infrastructure, message: "QEMU ended with signal 9 while booting default")
    failure.console = ["[    0.1] Linux version 6.1.0"]
    var result = FileResult(
      file: "net/tcp.lua",
      outcome: attempt == 0 ? .failed(failure) : .passed,
      subTests: attempt == 0 ? [] : [test(["connects"], .passed, 0.4, at(5, "tests/net/tcp.lua"))],
      duration: 1.5
    )
    result.attempt = attempt
    return result
  }

  static let weirdFile = FileResult(
    file: "weird.lua",
    outcome: .passed,
    subTests: [
      test(
        [weird],
        .failed(
          Failure(kind: .kernelReport, message: "BUG: KASAN: <use-after-free>\u{0}\u{FFFE}\n\tCall trace")
        ),
        0.1,
        at(1, "tests/weird.lua"),
        output: "::error::not a command\n\u{1B}]0;title\u{7}text\u{9B}31m]]>\n"
      ),
      test([long], .passed, 0.1, at(2, "tests/weird.lua")),
    ],
    duration: 0.3
  )

  static let old = FileResult(
    file: "old.lua",
    outcome: .skipped(reason: "replaced"),
    subTests: [],
    duration: 0.02
  )

  static let events: [TimedEvent] = {
    var events: [TimedEvent] = []
    func add(_ time: Double, _ event: RunEvent) { events.append(TimedEvent(time: time, event: event)) }
    func end(_ time: Double, _ result: FileResult) {
      for test in result.subTests { add(time, .subTestEnded(file: result.file, result: test)) }
      add(time, .fileEnded(result))
    }
    func machine(_ id: Int, _ file: String) -> MachineDescription {
      MachineDescription(id: id, file: file, profile: "default", memory: 256 << 20, cpus: 1, origin: "boot")
    }
    add(0, .runStarted(header))
    add(0.01, .fileStarted(file: "boot.lua", attempt: 0))
    add(0.01, .fileStarted(file: "token.lua", attempt: 0))
    add(0.02, .poolGranted(file: "boot.lua", claim: 1, memory: 256 << 20, cpus: 1, waited: 0))
    add(0.03, .machineStarted(machine(1, "boot.lua")))
    add(0.03, .activity(file: "boot.lua", text: "booting default: kernel"))
    add(0.04, .poolWaiting(file: "token.lua", memory: 256 << 20, cpus: 1))
    add(2.1, .machineReady(id: 1, duration: 2.07, kernel: "6.1.0"))
    add(2.2, .subTestStarted(file: "boot.lua", path: ["kernel version"], location: at(3)))
    add(2.3, .output(file: "boot.lua", path: ["kernel version"], text: "6.1.0\n"))
    add(2.8, .machineEnded(id: 1, reason: "shutdown"))
    end(2.91, boot)
    add(2.91, .poolReleased(file: "boot.lua", claim: 1))
    add(2.92, .poolGranted(file: "token.lua", claim: 2, memory: 256 << 20, cpus: 1, waited: 2.88))
    add(2.93, .machineStarted(machine(2, "token.lua")))
    add(3.5, .poolGrown(file: "token.lua", claim: 2, memory: 320 << 20))
    add(4.0, .machineReady(id: 2, duration: 1.07, kernel: "6.1.0"))
    add(4.8, .machineEnded(id: 2, reason: "shutdown"))
    add(4.9, .poolReleased(file: "token.lua", claim: 2))
    end(5, token)
    add(5, .fileStarted(file: "helpers.lua", attempt: 0))
    end(5.1, helper)
    add(5.1, .fileStarted(file: "net/tcp.lua", attempt: 0))
    end(6.6, tcp(attempt: 0))
    add(6.6, .warning(file: "net/tcp.lua", text: "infrastructure error, running it again (1 of 1)"))
    add(6.6, .fileStarted(file: "net/tcp.lua", attempt: 1))
    end(8.1, tcp(attempt: 1))
    add(8.1, .fileStarted(file: "weird.lua", attempt: 0))
    end(8.4, weirdFile)
    add(8.4, .fileStarted(file: "old.lua", attempt: 0))
    end(8.42, old)
    var summary = RunSummary(counting: [boot, token, helper, tcp(attempt: 1), weirdFile, old])
    summary.duration = 8.5
    add(8.5, .runEnded(summary))
    return events
  }()

  static let record = RunRecord(events)

  /// A run without `runEnded`; `token.lua` is in the middle of a test.
  static let interrupted: [TimedEvent] = {
    var events = Array(SampleRun.events.prefix { $0.time < 2.9 })
    events.append(
      TimedEvent(
        time: 2.85,
        event: .subTestStarted(
          file: "token.lua",
          path: ["denies others"],
          location: at(14, "tests/token.lua")
        )
      )
    )
    return events
  }()

  static func transcript(
    _ style: TranscriptStyle = quietLogs(TranscriptStyle()),
    _ events: [TimedEvent] = events
  ) -> String {
    var transcript = Transcript(style)
    let lines = events.flatMap { transcript.lines(for: $0.event, at: $0.time) } + transcript.linesAtEnd()
    return lines.map { $0 + "\n" }.joined()
  }

  /// Makes the style independent of log files on the disk.
  static func quietLogs(_ style: TranscriptStyle) -> TranscriptStyle {
    var style = style
    style.logPath = { result, _ in result.logPath }
    return style
  }
}
