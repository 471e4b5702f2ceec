import Foundation
import Glibc
import ProviumSystem
import Testing

@Suite("provium shell", .enabled(if: noMachines == nil, Comment(rawValue: noMachines ?? "")), .serialized)
struct ShellTests {
  /// `provium shell` on a pseudo-terminal of this test.
  private final class Session {
    let child: ChildProcess
    private let master: Descriptor
    private var seen = ""

    init(_ arguments: [String], in project: Project) throws {
      // As posix_openpt, unlockpt and ptsname do, which Swift's Glibc lacks.
      master = try Descriptor.open("/dev/ptmx", O_RDWR | O_NOCTTY)
      var isLocked: Int32 = 0
      var number: UInt32 = 0
      let setLock: UInt = 0x4004_5431, getNumber: UInt = 0x8004_5430
      let opened = ioctl(master.raw, setLock, &isLocked) == 0 && ioctl(master.raw, getNumber, &number) == 0
      try #require(opened)
      let slave = try Descriptor.open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
      child = try ChildProcess(
        executable: Command.binary,
        arguments: ["shell"] + arguments,
        environment: ["PATH=/usr/bin:/bin", "HOME=\(String(cString: getenv("HOME")))", "TERM=xterm"],
        directory: project.path,
        descriptors: [0: slave.raw, 1: slave.raw, 2: slave.raw]
      )
      resize(columns: 100, rows: 30)
    }

    func resize(columns: UInt16, rows: UInt16) {
      var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
      _ = ioctl(master.raw, UInt(TIOCSWINSZ), &size)
      // The test's terminal is not the child's controlling one, so the kernel does not send the signal.
      kill(child.pid, SIGWINCH)
    }

    func type(_ text: String) throws {
      try Files.writeAll(Array(text.utf8), to: master.raw, path: "the terminal")
    }

    /// Reads until `text` has come, and forgets everything up to it.
    ///
    /// Keeps only as much output as `text` and a message need: a search of everything that came would be quadratic.
    func expect(_ text: String, seconds: Int64 = 60) throws {
      let deadline = Deadline.after(.seconds(seconds))
      while true {
        if let range = seen.range(of: text) {
          seen.removeSubrange(..<range.upperBound)
          return
        }
        if seen.utf8.count > 8192 { seen = String(seen.suffix(2000)) }
        try #require(
          try Readiness.waitReadable(master.raw, until: deadline),
          "no \(text) in: \(seen.suffix(2000))"
        )
        var bytes = [UInt8](repeating: 0, count: 65536)
        let count = read(master.raw, &bytes, bytes.count)
        try #require(count > 0, "the terminal ended; no \(text) in: \(seen.suffix(2000))")
        seen += String(decoding: bytes[..<count], as: UTF8.self)
      }
    }
  }

  @Test("a shell on a terminal has job control, follows the window's size, and prints 10 MB")
  func terminal() throws {
    let session = try Session([], in: try Project())
    try session.expect("Ctrl-] leaves")
    try session.type("stty size; echo 'on''line'\r")
    try session.expect("30 100\r\n")
    try session.expect("online\r\n")
    session.resize(columns: 120, rows: 40)
    try session.type("sleep 0.3; stty size\r")
    try session.expect("40 120\r\n")
    try session.type("sleep 1000\r")
    try session.expect("sleep 1000")
    // The shell must have started it before the key comes.
    usleep(500_000)
    try session.type("\u{3}")
    try session.type("echo 'stat'us=$?\r")
    try session.expect("status=130\r\n")
    try session.type("head -c 10000000 /dev/zero | tr '\\0' x; echo; echo 'al''l'\r")
    try session.expect("all\r\n", seconds: 120)
    try session.type("exit 5\r")
    #expect(try session.child.wait(until: .after(.seconds(30))) == .exited(5))
  }

  @Test("Ctrl-] leaves the shell") func leaving() throws {
    let session = try Session([], in: try Project())
    try session.expect("Ctrl-] leaves")
    try session.type("\u{1D}")
    try session.expect("left the shell")
    #expect(try session.child.wait(until: .after(.seconds(30))) == .exited(0))
  }

  @Test("without a terminal a shell reads its commands from a pipe") func pipes() throws {
    let project = try Project()
    let run = try ToolRun.run(
      "bash",
      [
        "-c", #"printf 'echo out; test -t 0 || echo pipe; echo err >&2; exit 4' | "$1" shell"#, "x",
        Command.binary,
      ],
      directory: project.path,
      allowFailure: true,
      deadline: .after(.seconds(180))
    )
    #expect(run.outputText == "out\npipe\n")
    #expect(run.errorText == "err\n")
    #expect(run.status == .exited(4))
  }

  @Test("a shell in a fixture starts from the fixture's state, and changes nothing in it") func fixture()
    throws
  {
    let project = try Project(withCache: [
      "tests/fixtures/base.lua": "provium.create():boot():write_file('/made', 'by the fixture')"
    ])
    for _ in 1...2 {
      let command = try Command(
        "shell",
        "--fixture",
        "base",
        "--",
        "cat /made; echo changed > /made",
        in: project.path
      )
      #expect(command.output == "by the fixture")
      #expect(command.status == .exited(0))
    }
  }

  @Test("a fixture that does not exist, and a profile for a fixture, are errors of the user") func badInput()
    throws
  {
    let project = try Project()
    let missing = try Command("shell", "--fixture", "nothing", in: project.path)
    #expect(missing.status == .exited(2) && missing.errors.contains("nothing"))
    let both = try Command("shell", "--fixture", "x", "--profile", "y", in: project.path)
    #expect(both.errors.contains("leave out --profile"))
  }
}
