import Foundation
import Glibc
import ProviumSystem
import Testing

@Suite("provium shell", .enabled(if: noMachines == nil, Comment(rawValue: noMachines ?? "")), .serialized)
struct ShellTests {
  @Test("a shell on a terminal has job control, follows the window's size, and prints 10 MB")
  func terminal() throws {
    let session = try TerminalSession("shell", [], in: try Project())
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
    let session = try TerminalSession("shell", [], in: try Project())
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
