import Foundation
import ProviumSystem
import Testing

@Suite("Debug logs", .enabled(if: noMachines == nil, Comment(rawValue: noMachines ?? "")), .serialized)
struct DebugLogTests {
  /// The debug log of the VM with that number, from the folder that the command names on standard error.
  private func log(of machine: Int, _ command: Command) throws -> String {
    let line = try #require(command.errors.split(separator: "\n").first { $0.contains("-debug.log") })
    let path = try #require(line.split(separator: " ").last)
    return try Files.readText(String(path).replacing("vmN-", with: "vm\(machine)-"))
  }

  /// A TMPDIR in the project, so that the kept run directory is removed with it.
  private func environment(_ project: Project) throws -> [String: String] {
    try Files.createDirectories("\(project.path)/tmp")
    return ["TMPDIR": "\(project.path)/tmp"]
  }

  @Test("PROVIUM_LOG=debug logs QEMU's command line, the stages of the boot, operations and QMP messages")
  func run() throws {
    let project = try Project()
    let environment = try environment(project).merging(["PROVIUM_LOG": "debug"]) { $1 }
    let command = try Command(
      "run",
      "--mem",
      "128M",
      "--",
      "echo 1; exit 3",
      in: project.path,
      environment: environment
    )
    #expect(command.status == .exited(3) && command.output == "1\n", "\(command.text)")
    let log = try log(of: 1, command)
    for part in [
      " QEMU: /", " -m 128M ", "] boot stage: kernel", "] ready: kernel ",
      #"start("echo 1; exit 3") = process 1 <"#,
      #"QMP > {"execute":"qmp_capabilities""#, #"QMP < {"return":"#,
      "] ended: ",
    ] { #expect(log.contains(part), "'\(part)' is not in\n\(log)") }
  }

  @Test("-vv logs the operations of warm VMs and workers under the number of the VM that the test has")
  func warm() throws {
    let project = try Project(
      withCache: [
        "tests/fixtures/base.lua": "provium.create():boot{ memory = '128M' }\n",
        "tests/a.lua": """
        local first = provium.fixture('base')
        for i = 1, 60 do first:exec('sleep 0.05') end
        local second = provium.fixture('base')
        test('fails', function()
          second:spawn():exec('echo worker')
          fail('on purpose')
        end)
        """,
      ],
      settings: "spares = 1"
    )
    let command = try Command(
      "test",
      "-vv",
      in: project.path,
      environment: try environment(project),
      seconds: 120
    )
    #expect(command.status == .exited(1), "\(command.text)")
    let built = try log(of: 1, command), first = try log(of: 2, command), second = try log(of: 3, command)
    #expect(built.contains("boot stage") && built.contains("] ended: saved"))
    #expect(first.contains(" -incoming defer"))
    #expect(!second.contains("boot stage") && second.contains(" -incoming defer"))
    #expect(second.contains("] taken from the warm VMs"), "\(second)")
    #expect(second.contains(#"[worker 1] exec("echo worker") = exit 0"#), "\(second)")
  }

  @Test("without -vv there is no debug log, and the run directory of a passed run is removed") func off()
    throws
  {
    let project = try Project(["tests/a.lua": "test('x', function() end)\n"])
    let command = try Command("test", "-v", "tests", in: project.path, environment: try environment(project))
    #expect(command.status == .exited(0) && !command.errors.contains("debug"), "\(command.text)")
    #expect(try project.shell("find tmp -name '*-debug.log' -o -name 'run-*'").isEmpty)
  }
}
