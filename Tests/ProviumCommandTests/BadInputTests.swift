import Glibc
import ProviumSystem
import Testing

@Suite("Bad input gets one clear error and exit code 2") struct BadInputTests {
  private func complaint(_ files: [String: String], _ arguments: String...) throws -> Command {
    let project = try Project(files)
    switch arguments.count {
    case 1: return try Command(arguments[0], in: project.path)
    case 2: return try Command(arguments[0], arguments[1], in: project.path)
    default:
      return try Command(
        arguments[0],
        arguments[1],
        arguments[2],
        arguments[3],
        arguments[4],
        in: project.path
      )
    }
  }

  @Test(
    "in provium.toml, with its place",
    arguments: [
      ("[provium]\ntests = [", "provium.toml:2:"),
      ("[provium]\ntimout = 1\n", "provium.toml:2: unknown key 'provium.timout'"),
      ("[profile.a]\ninitrd = \"x\"\n", "lacks the key 'kernel'"),
      ("[provium]\ncache_max = \"512X\"\n", "'provium.cache_max' is \"512X\""),
    ]
  )
  func configuration(toml: String, expected: String) throws {
    let command = try complaint(["provium.toml": toml], "test")
    #expect(command.status == .exited(2))
    #expect(command.errors.contains(expected), "\(command.text)")
  }

  @Test("in a profile's files, by what they are") func profileFiles() throws {
    let project = try Project([
      "provium.toml": """
      [profile.text]
      kernel = "text"
      [profile.missing]
      kernel = "nothing"
      """, "text": "no kernel\n",
    ])
    for (profile, expected) in [
      ("text", "text cannot be used as a kernel: it is a text file"), ("missing", "nothing does not exist"),
      ("txet", "unknown profile 'txet' (did you mean 'text'?)"),
    ] {
      let command = try Command("run", "--profile", profile, "--", "true", in: project.path)
      #expect(command.status == .exited(2))
      #expect(command.errors.contains(expected), "\(command.text)")
    }
  }

  @Test("in the arguments", arguments: ["--bogus", "--mem=512X", "--shard=3/2", "-p=0"])
  func arguments(argument: String) throws {
    let project = try Project(["tests/a.lua": ""])
    let command = try Command("test", argument, "tests", in: project.path)
    #expect(command.status == .exited(2))
    #expect(!command.errors.isEmpty)
  }

  @Test(
    "a long option with one dash is an error of every command, not a request for help",
    arguments: [
      ["test", "-shard", "1/2"], ["test", "-help"], ["test", "-hx"], ["test", "tests", "-vh"],
      ["list", "-shard", "1/2"],
      ["run", "-help", "--", "true"], ["run", "-mem", "1G", "-h1", "--", "true"], ["fixture", "-help"],
      ["fixture", "list", "-channel", "vsock"], ["fixture", "build", "x", "-th"], ["history", "x", "-th"],
      ["report", "merge", "a.json", "-html", "x"], ["doctor", "-hh"], ["version", "-short"], ["-help"],
    ]
  )
  func singleDash(arguments: [String]) throws {
    let project = try Project(["tests/a.lua": "test('fails', function() error('must be seen') end)\n"])
    let command = try Command(arguments: arguments, in: project.path)
    #expect(command.status == .exited(2), "\(command.text)")
    #expect(command.output.isEmpty, "\(command.text)")
    #expect(command.errors.contains("a long option has two dashes"), "\(command.text)")
  }

  @Test(
    "an unknown option, a missing value or an extra argument is an error of every command",
    arguments: [
      ["test", "--bogus"], ["test", "--shard"], ["test", "--junit"], ["test", "--color", "pink"],
      ["test", "-p", "x"], ["test", "--timeout-multiplier", "0"], ["test", "--kernel", ""],
      ["run", "--timeout-multiplier", "x", "--", "true"],
      ["test", "-v", "-q"], ["test", "--seed", "1"], ["test", "--tap", "-", "--json", "-"],
      ["list", "--bogus"],
      ["list", "--shard", "0/1"], ["run", "--bogus", "--", "true"], ["run"], ["run", "true"],
      ["fixture", "bogus"],
      ["fixture", "build"], ["fixture", "why"], ["fixture", "list", "extra"], ["history"],
      ["history", "x", "--limit", "0"], ["report", "merge"], ["report", "bogus"], ["doctor", "extra"],
      ["version", "--bogus"], ["bogus"], ["--bogus"],
    ]
  )
  func misuse(arguments: [String]) throws {
    let project = try Project(["tests/a.lua": ""])
    let command = try Command(arguments: arguments, in: project.path)
    #expect(command.status == .exited(2), "\(command.text)")
    #expect(command.output.isEmpty, "\(command.text)")
    #expect(command.errors.hasPrefix("Error: "), "\(command.text)")
  }

  @Test("short options take their values and can be combined as documented") func shortOptions() throws {
    let project = try Project(["tests/a.lua": "test('x', function() end)\n"])
    for arguments in [["-p2"], ["-p=2"], ["-f=a"], ["-f", "a"], ["-v"], ["-q"]] {
      let command = try Command(
        arguments: ["test", "tests"] + arguments,
        in: project.path,
        environment: ["PROVIUM_QEMU": "/no/qemu", "PROVIUM_ACCEL": "tcg", "TMPDIR": project.path]
      )
      #expect(command.status == .exited(0), "\(arguments): \(command.text)")
    }
  }

  @Test(
    "provium run names an unknown option and never takes it for the command",
    arguments: [
      (["--porfile", "x", "--", "true"], "Unknown option '--porfile'. Did you mean '--profile'?"),
      (["-x"], "Unknown option '-x'"),
      (["--porfile", "x", "uname"], "Unknown option '--porfile'. Did you mean '--profile'?"),
      ([], "no command: provium run -- COMMAND…"), (["--"], "no command: provium run -- COMMAND…"),
    ]
  )
  func runOptions(arguments: [String], message: String) throws {
    let project = try Project()
    let command = try Command(arguments: ["run"] + arguments, in: project.path)
    #expect(command.status == .exited(2))
    #expect(command.errors.contains(message), "\(command.text)")
  }

  @Test(
    "provium run says where -- belongs if it is missing before the command",
    arguments: [
      (["uname", "-a"], "-- uname -a"), (["uname"], "-- uname"), (["ls", "-la", "/"], "-- ls -la /"),
      (["--mem", "1G", "ls", "-l", "--color", "a b"], "--mem 1G -- ls -l --color 'a b'"),
      (["--profile", "x", "--timeout=9s", "true"], "--profile x --timeout=9s -- true"),
    ]
  )
  func runTerminator(arguments: [String], correct: String) throws {
    let project = try Project()
    let command = try Command(arguments: ["run"] + arguments, in: project.path)
    #expect(command.status == .exited(2), "\(command.text)")
    #expect(
      command.errors.hasPrefix("Error: the command follows '--': provium run \(correct)\n"),
      "\(command.text)"
    )
  }

  @Test("provium run --help shows the help") func runHelp() throws {
    let project = try Project()
    let help = try Command("run", "--help", in: project.path)
    #expect(help.status == .exited(0) && help.output.contains("USAGE: provium run"))
  }

  @Test("when the output cannot be written") func fullOutput() throws {
    let project = try Project()
    let run = try ToolRun.run(
      "sh",
      ["-c", "\(Command.binary) version > /dev/full"],
      directory: project.path,
      allowFailure: true
    )
    #expect(run.status == .exited(2))
    #expect(run.errorText == "provium: cannot write to standard output: ENOSPC (No space left on device)\n")
  }

  @Test("when there is nothing to run") func nothing() throws {
    let project = try Project(["empty/readme": ""])
    let missing = try Command("test", "nowhere", in: project.path)
    #expect(missing.status == .exited(2))
    #expect(missing.errors.contains("nowhere: no such file or folder"))
    #expect(try Command("test", "empty", in: project.path).errors.contains("no test files"))
    #expect(try Command("test", in: project.path).errors.contains("no tests named"))
  }

  @Test("when QEMU is not installed") func noQEMU() throws {
    let project = try Project()
    let command = try Command(
      "run",
      "--",
      "true",
      in: project.path,
      environment: ["PROVIUM_QEMU": "/no/qemu"]
    )
    #expect(command.status == .exited(2))
    #expect(command.errors.contains("/no/qemu"))
  }

  @Test("an error names the program that PROVIUM_QEMU gives and that is not QEMU") func noRealQEMU() throws {
    let project = try Project()
    let environment = ["PROVIUM_QEMU": "/bin/true", "XDG_CACHE_HOME": project.path]
    let command = try Command("run", "--", "true", in: project.path, environment: environment)
    #expect(command.status == .exited(2))
    #expect(
      command.errors.contains("/bin/true cannot be used: it is no QEMU: --version says"),
      "\(command.text)"
    )
  }

  @Test("when TMPDIR is no folder, which is not made") func noTemporaryFolder() throws {
    let project = try Project()
    let folder = "\(project.path)/nowhere"
    let command = try Command("run", "--", "true", in: project.path, environment: ["TMPDIR": folder])
    #expect(command.status == .exited(2))
    #expect(
      command.errors.contains("cannot make a run directory in TMPDIR, \(folder): ENOENT"),
      "\(command.text)"
    )
    #expect(!Files.exists(folder))
  }

  @Test("and without HOME the user's own folder is known to the system") func noHome() throws {
    let project = try Project()
    let listed = try project.shell("getent passwd $(id -u) | cut -d: -f6").trimmed
    let script = "env -u HOME -u XDG_CACHE_HOME PROVIUM_QEMU=/no/qemu \(Command.binary) doctor"
    let text = try ToolRun.run("sh", ["-c", script], directory: project.path, allowFailure: true).outputText
    #expect(text.contains("in \(listed)/.cache/provium"), "\(text)")
  }
}

/// QEMU itself starts in these, and refuses.
@Suite("A boot that fails says why", .enabled(if: noMachines == nil, Comment(rawValue: noMachines ?? "")))
struct RefusedBootTests {
  private func error(_ options: String, files: [String: String] = [:], profile: String = "") throws -> Command
  {
    let project = try Project(
      ["tests/a.lua": "provium.create(\(profile)):boot{\(options)}\n"].merging(files) { $1 }
    )
    return try Command("test", "tests", in: project.path)
  }

  @Test(
    "in QEMU's own words when QEMU refuses",
    arguments: [
      ("disks = {{path = 'tests/a.lua', format = 'qcow2'}}", "not in qcow2 format"),
      ("disks = {'disk', 'disk'}", "lock"),
    ]
  )
  func refused(options: String, expected: String) throws {
    let command = try error(options, files: ["disk": String(repeating: "x", count: 4096)])
    #expect(command.status == .exited(2))
    #expect(command.output.contains(expected), "\(command.text)")
    #expect(!command.output.contains("the connection to the agent"), "\(command.text)")
  }

  @Test("a kernel command line that is too long is an error of the script") func longCommandLine() throws {
    let command = try error("append = ('x=1 '):rep(2000)")
    #expect(command.status == .exited(1))
    #expect(command.output.contains("a kernel takes 2047"), "\(command.text)")
  }

  @Test(
    "before QEMU is asked, by the option, when a file cannot be put where it should",
    arguments: [
      ("['/'] = {content = 'x'}", "vm:boot: option 'files'['/'] names a directory, not a file"),
      ("['/a/../b'] = {content = 'x'}", "contains '..'"),
      ("['/a'] = {content = 'x'}, ['//a'] = {content = 'x'}", "is the same file as another one of them (/a)"),
      (
        "['/a'] = {content = 'x'}, ['/a/b'] = {content = 'x'}",
        "'files'['/a/b'] is below /a, which is a file"
      ),
      ("['/a'] = '/etc'", "'files'['/a'] must be a regular host file, got /etc, which is a directory"),
      ("['/a'] = {content = 'x', mode = 'rw'}", "option 'files'['/a']['mode'] must be an integer"),
    ]
  )
  func files(files: String, expected: String) throws {
    let command = try error("files = {\(files)}")
    #expect(command.status == .exited(1))
    #expect(command.output.contains(expected), "\(command.text)")
  }

  @Test("and names an initrd that the kernel could not unpack") func initrd() throws {
    let project = try Project(["tests/a.lua": "provium.create('cut'):boot{memory = '192M'}\n"])
    _ = try Command("doctor", in: project.path)
    let lines = try Files.readText(
      "\(String(cString: getenv("HOME")))/.cache/provium/kernels/x86_64/prepared"
    ).split(
      separator: "\n"
    )
    try project.write(
      "[profile.cut]\nkernel = \"\(lines[0])\"\nmodules = \"\(lines[1])\"\ninitrd = \"cut.gz\"\n",
      to: "provium.toml"
    )
    try project.shell("head -c 400000 /dev/urandom | gzip -c | head -c 200000 > cut.gz")
    let command = try Command("test", "tests", in: project.path)
    #expect(command.status == .exited(1))
    #expect(command.output.contains("the kernel could not unpack \(project.path)/cut.gz"), "\(command.text)")
  }
}

@Suite("A script without machines") struct ScriptTests {
  @Test("that does not parse fails with its line") func syntax() throws {
    let project = try Project(["tests/a.lua": "local x\nlocal y = = 3\n"])
    let command = try Command("test", "tests", in: project.path)
    #expect(command.status == .exited(1))
    #expect(command.output.contains("tests/a.lua:2: unexpected symbol near '='"))
  }

  @Test("that runs for ever is ended at its limit, whatever it catches") func endless() throws {
    let project = try Project(["tests/a.lua": "while true do pcall(function() while true do end end) end\n"])
    let command = try Command("test", "--timeout", "200ms", "tests", in: project.path)
    #expect(command.status == .exited(1))
    #expect(command.output.contains("(timeout) tests/a.lua:1: the file's time limit of "))
  }

  /// Longer than the world will last.
  private static let stuck = "(('a'):rep(200)):find(('a-'):rep(100) .. 'b')"

  @Test("that is stuck in a function of Lua's is given up at its limit, and the run goes on to its end")
  func stuck() throws {
    let project = try Project([
      "tests/a.lua": """
      test("one", function() end)
      test("outer", function() test("two", { timeout = "100ms" }, function() \(Self.stuck) end) end)
      """,
      "tests/b.lua": "test('three', function() end)\n",
    ])
    let command = try Command("test", "-p", "1", "--json", "events", "tests", in: project.path)
    #expect(command.status == .exited(1), "\(command.text)")
    for line in ["· one ... ok", "· three ... ok", "FAIL: 1 file passed, 1 failed"] {
      #expect(command.output.contains(line), "\(command.text)")
    }
    let verdicts = command.output.split(separator: "\n").filter { $0.contains("(timeout) tests/a.lua:") }
    #expect(verdicts.count == 3, "\(command.text)")
    for verdict in verdicts {
      #expect(verdict.contains("the sub-test's time limit of "))
      #expect(
        verdict.contains("reached during: test two; the script is stuck in a function of Lua's library")
      )
    }
    let events = try Files.readText("\(project.path)/events").split(separator: "\n")
    #expect(events.filter { $0.contains("\"file_ended\"") }.count == 2)
  }

  @Test("that is stuck does not hold a run that is interrupted") func stuckAndInterrupted() throws {
    let project = try Project(["tests/a.lua": "print('up');\(Self.stuck)\n"])
    let output = try project.shell(
      """
      '\(Command.binary)' test -v tests > out 2>&1 & run=$!
      for _ in $(seq 200); do grep -q up out && break; sleep 0.05; done
      kill -INT $run
      wait $run || echo "status $?" >> out
      cat out
      """
    )
    #expect(output.contains("(infrastructure error) tests/a.lua:1: interrupted during: "), "\(output)")
    #expect(output.contains("status 130"))
  }

  @Test("ends what it runs on the host with its sub-test's limit") func hostPrograms() throws {
    let project = try Project([
      "tests/a.lua": """
      test("waits", { timeout = "100ms" }, function() os.execute("sleep 30") end)
      test("reads", { timeout = "100ms" }, function() io.popen("sleep 30"):read("a") end)
      test("goes on", function() assert(os.execute("true")) end)
      """
    ])
    let begin = Deadline.now
    let command = try Command("test", "tests", in: project.path)
    let verdicts = command.output.split(separator: "\n").filter { $0.hasPrefix("    · ") }
    try #require(verdicts.count == 3, "\(command.text)")
    #expect(verdicts[0].contains("FAIL: (timeout) tests/a.lua:1: the sub-test's time limit of "))
    #expect(verdicts[1].contains("FAIL: (timeout) tests/a.lua:2: the sub-test's time limit of "))
    #expect(verdicts[2].contains("· goes on ... ok"))
    #expect(Deadline.now - begin < 20_000_000_000)
  }

  @Test("fails by its own line, and keeps a log") func failing() throws {
    let project = try Project([
      "tests/a.lua":
        "test('one', function() print('said') assert_eq(1, 2) end)\ntest('two', function() end)\n"
    ])
    let command = try Command("test", "tests", in: project.path)
    #expect(command.status == .exited(1))
    #expect(command.output.contains("· one ... FAIL: tests/a.lua:1: expected 1, got 2"))
    #expect(command.output.contains("· two ... ok"))
    #expect(command.output.contains("FAIL: 0 files passed, 1 failed"))
    let line = command.output.split(separator: "\n").first { $0.contains("a.lua  →  ") }
    let log = try #require(line?.split(separator: " ").last.map(String.init))
    #expect(try Files.readText(log).contains("said"))
    try Files.removeTree(Files.parent(of: log))
  }

  @Test("that uses a machine before its boot is told which call it was") func notBooted() throws {
    let project = try Project(["tests/a.lua": "provium.create():read_file('/x')\n"])
    let command = try Command("test", "tests", in: project.path)
    #expect(command.status == .exited(1))
    #expect(
      command.output.contains(
        "tests/a.lua:1: vm:read_file: the machine is not booted yet: call vm:boot() first"
      )
    )
  }

  @Test("is a helper when it tests nothing") func helper() throws {
    let project = try Project(["tests/help.lua": "function help() end\n"])
    let command = try Command("test", "tests", in: project.path)
    #expect(command.status == .exited(0))
    #expect(command.output.contains("help.lua ... helper (no tests)"))
  }

  @Test("lists its sub-tests without running") func list() throws {
    let project = try Project([
      "tests/a.lua": "error('ran') test('outer', function() test('inner', function() todo('x') end) end)\n"
    ])
    let command = try Command("list", "--json", "tests", in: project.path)
    #expect(command.status == .exited(0))
    #expect(command.output.split(separator: "\n").count == 2)
    #expect(command.output.contains("\"outer / inner\""))
  }
}
