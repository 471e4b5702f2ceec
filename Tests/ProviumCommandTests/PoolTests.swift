import Foundation
import Glibc
import ProviumSystem
import Testing

/// The resource pool of `provium test`.
@Suite(
  "The resource pool of a run",
  .enabled(if: noMachines == nil, Comment(rawValue: noMachines ?? "")),
  .serialized
)
struct PoolTests {
  private func run(_ arguments: [String], in project: Project, seconds: Int64 = 120) throws -> (
    Command, EventFile
  ) {
    let path = "\(project.path)/events.json"
    let command = try Command(
      arguments: ["test", "--json", path] + arguments,
      in: project.path,
      seconds: seconds
    )
    return (command, try EventFile(path))
  }

  @Test("after Ctrl-C a file that waits for the pool boots no VM", .timeLimit(.minutes(15)))
  func interrupted() throws {
    let text =
      "local vm = provium.create():boot{ memory = '256M' }\ntest('t', function() vm:exec('sleep 60') end)\n"
    let project = try Project(withCache: ["tests/a.lua": text, "tests/b.lua": text, "tests/c.lua": text])
    let path = "\(project.path)/events.json"
    let child = try ChildProcess(
      executable: Command.binary,
      arguments: ["test", "--json", path, "--mem", "256M", "--cpus", "4"],
      directory: project.path
    )
    defer { child.terminate() }
    let deadline = Deadline.after(.seconds(180))
    func isSeen() -> Bool {
      let text = (try? Files.readText(path)) ?? ""
      return text.ranges(of: "\"pool_waiting\"").count == 2 && text.contains("machine_ready")
    }
    while !isSeen(), !deadline.isExpired { _ = try child.wait(until: .after(.milliseconds(50))) }
    child.signal(SIGINT)
    #expect(try child.wait(until: .after(.seconds(15))) == .exited(128 + SIGINT))
    let events = try EventFile(path)
    #expect(events.count("machine_started") == 1)
    #expect(events.count("pool_granted") == 1 && events.count("pool_released") == 1)
    #expect(events.count("file_ended") == 3)
  }

  @Test("a file that only waited for the pool does not reach its time limit", .timeLimit(.minutes(15)))
  func waitingIsFree() throws {
    let project = try Project(withCache: [
      "tests/a.lua": """
      local vm = provium.create():boot{ memory = '128M' }
      io.open('held', 'w'):close()
      test('holds the pool for longer than the limit of the other file', function()
        while not io.open('limit') do os.execute('sleep 0.1') end
        os.execute('sleep ' .. tonumber(io.open('limit'):read('a')) + 3)
      end)
      """,
      // `limit`: the seconds that the sub-test's limit has here.
      "tests/b.lua": """
      while not io.open('held') do os.execute('sleep 0.1') end
      test('waits, then runs', { timeout = '3s' }, function()
        local file = io.open('limit', 'w')
        file:write('\(Self.slowHost ? 30 : 3)')
        file:close()
        local vm = provium.create():boot{ memory = '128M' }
        assert(vm:exec('true').ok)
      end)
      """,
    ])
    let (command, events) = try run(["-p", "2", "--mem", "128M"], in: project, seconds: 200)
    #expect(command.status == .exited(0), "\(command.text)")
    let waited = events.named("pool_granted").compactMap { $0["waited"] as? Double }.max() ?? 0
    #expect(waited > 3, "\(waited)")
  }

  /// Whether limits are multiplied here, as machines are emulated: by ten at most in these tests.
  private static let slowHost = access("/dev/kvm", R_OK | W_OK) != 0

  @Test("a deadlock through a fixture that another file builds is named", .timeLimit(.minutes(15)))
  func deadlock() throws {
    let project = try Project(withCache: [
      // It requests memory once the other file holds its VM.
      "tests/fixtures/big.lua": """
      while not io.open('held') do os.execute('sleep 0.05') end
      provium.create():boot{ memory = '384M' }
      """,
      "tests/a.lua": """
      provium.create():boot{ memory = '256M' }
      io.open('held', 'w'):close()
      provium.fixture('big')
      """,
      "tests/b.lua": "provium.fixture('big')\n",
    ])
    let (command, events) = try run(["--mem", "512M", "--cpus", "4"], in: project)
    #expect(command.text.contains("resource deadlock: "), "\(command.text)")
    #expect(command.text.contains("the fixture big, which"), "\(command.text)")
    #expect(events.count("pool_granted") == events.count("pool_released"))
  }

  @Test("a resumed VM is charged for the memory it writes to", .timeLimit(.minutes(15))) func growth() throws
  {
    let project = try Project(
      withCache: [
        "tests/fixtures/f.lua": "provium.create():boot{ memory = '512M' }\n",
        "tests/a.lua": """
        local vm = provium.fixture('f')
        test('writes', function()
          assert(vm:exec('mkdir -p /m; mount -t tmpfs -o size=400M none /m; dd if=/dev/zero of=/m/x bs=1M count=200', { timeout = 60 }).ok)
          vm:exec('sleep 1')
        end)
        """,
      ],
      settings: "spares = 0"
    )
    let (command, events) = try run(["--mem", "512M", "--cpus", "2"], in: project)
    #expect(command.status == .exited(0), "\(command.text)")
    var replay = PoolReplay()
    for event in events.events { try replay.add(event) }
    #expect(replay.growths > 0 && replay.claims.isEmpty)
    let most = events.named("pool_grown").compactMap { ($0["memory"] as? NSNumber)?.uint64Value }.max() ?? 0
    #expect(most >= 200 << 20)
  }

  @Test("warm VMs have reservations, which give way to a test's VM", .timeLimit(.minutes(15))) func warmVMs()
    throws
  {
    let project = try Project(withCache: [
      "tests/fixtures/f.lua": "provium.create():boot{ memory = '128M' }\n",
      "tests/a.lua": """
      local vm = provium.fixture('f')
      os.execute('sleep 3')
      provium.create():boot{ memory = '192M' }
      test('both run', function() vm:exec('true') end)
      """,
    ])
    let (command, events) = try run(["--mem", "256M", "--cpus", "2"], in: project)
    #expect(command.status == .exited(0), "\(command.text)")
    var replay = PoolReplay()
    for event in events.events { try replay.add(event) }
    #expect(replay.warmVMs > 0, "no warm VM was made while there was room")
    #expect(replay.peak.memory <= 256 << 20 && replay.claims.isEmpty)
    // The warm VM was ended before the reservation was granted, and the file did not wait for long.
    #expect(events.count("machine_ready") == 3)
  }

  @Test(
    "an error names the processor that a file's reservation lacks, not its memory",
    .timeLimit(.minutes(15))
  )
  func lacking() throws {
    let project = try Project(withCache: [
      "tests/a.lua": """
      provium.claim{ memory = '300M', cpus = 1 }
      provium.create():boot{ memory = '128M' }
      provium.create():boot{ memory = '128M' }
      """
    ])
    let (command, _) = try run(["--mem", "1G", "--cpus", "4"], in: project)
    #expect(
      command.text.contains("the file claimed less than its machines need (1 CPU more)"),
      "\(command.text)"
    )
  }

  @Test("a report keeps the failure that caused a retry", .timeLimit(.minutes(15))) func retry() throws {
    let project = try Project(withCache: [
      "tests/a.lua": """
      local vm = provium.create():boot{ memory = '128M' }
      test('once', function()
        if not io.open('tried') then
          io.open('tried', 'w'):close()
          os.execute('kill -9 $(pgrep -P $PPID qemu)')
        end
        assert(vm:exec('true').ok)
      end)
      """
    ])
    let junit = "\(project.path)/junit.xml"
    let (command, events) = try run(["--retries", "1", "--junit", junit], in: project)
    #expect(command.status == .exited(0), "\(command.text)")
    #expect(events.count("file_started") == 2)
    let report = try Files.readText(junit)
    #expect(report.contains("--- attempt 1 failed ---") && report.contains("SIGKILL"), "\(report)")
    let line = try #require(command.output.split(separator: "\n").first { $0.contains("a.lua  →  ") })
    let log = try #require(line.split(separator: " ").last.map(String.init))
    #expect(try Files.readText(log).contains("SIGKILL"))
    try Files.removeTree(Files.parent(of: log))
  }
}

/// Requests that fail before a VM starts: these tests need no QEMU.
@Suite("Requests that can never fit") struct ImpossibleRequestTests {
  @Test(
    "a request that can never fit is a user error at once, without a retry, also in a fixture's script",
    arguments: [
      "provium.create():boot{ memory = '900G' }", "provium.create():boot{ cpus = 200 }",
      "provium.fixture('big')",
      "provium.claim{ memory = '900G' }",
    ]
  )
  func noRetry(script: String) throws {
    let project = try Project(withCache: [
      "tests/fixtures/big.lua": "provium.create():boot{ memory = '900G' }\n", "tests/a.lua": script + "\n",
    ])
    let path = "\(project.path)/events.json"
    let command = try Command("test", "--retries", "2", "--json", path, in: project.path)
    #expect(command.status == .exited(1) && command.text.contains("can never fit into"), "\(command.text)")
    #expect(try EventFile(path).count("file_started") == 1)
  }

  @Test(
    "one of --mem and --cpus alone limits that resource, also by environment",
    arguments: [
      (["--mem", "4G"], [:], "resource pool: 4096M memory, unlimited CPUs", "4G of memory"),
      (["--cpus", "8"], [:], "resource pool: unlimited memory, 8 CPUs", "8 CPUs"),
      ([], ["PROVIUM_MEM": "4G"], "resource pool: 4096M memory, unlimited CPUs", "4G of memory"),
      ([], ["PROVIUM_CPUS": "8"], "resource pool: unlimited memory, 8 CPUs", "8 CPUs"),
    ]
  )
  func oneLimit(options: [String], environment: [String: String], header: String, limit: String) throws {
    let project = try Project(withCache: [
      "tests/a.lua": "test('t', function() assert(true) end)\n",
      "tests/b.lua": "provium.claim{ memory = '900G', cpus = 9 }\n",
    ])
    func run(_ file: String) throws -> Command {
      try Command(
        arguments: ["test"] + options + ["tests/\(file)"],
        in: project.path,
        environment: environment
      )
    }
    let fitting = try run("a.lua")
    #expect(fitting.status == .exited(0) && fitting.text.contains(header), "\(fitting.text)")
    let exceeding = try run("b.lua")
    #expect(
      exceeding.text.contains("a machine of 900G and 9 CPUs can never fit into \(limit)\n"),
      "\(exceeding.text)"
    )
  }
}
