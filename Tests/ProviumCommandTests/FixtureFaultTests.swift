import Glibc
import ProviumSystem
import Testing

/// Faults of fixtures, each of which must end with an error that names it.
@Suite(
  "Fixtures",
  .enabled(if: noMachines == nil, Comment(rawValue: noMachines ?? "")),
  .serialized
)
struct FixtureFaultTests {
  private static let boot = "local vm = provium.create():boot{ memory = '128M' }\n"

  @Test("that come to start from each other after one was kept: both are named, at once") func laterCircle()
    throws
  {
    let project = try Project(
      withCache: [
        "tests/fixtures/high.lua": "provium.fixture('low')\n", "tests/fixtures/low.lua": Self.boot,
        "tests/a.lua": "provium.fixture('high')\n",
      ],
      settings: "spares = 0"
    )
    #expect(try Command("test", in: project.path).status == .exited(0))
    try project.write("provium.fixture('high')\n", to: "tests/fixtures/low.lua")
    let command = try Command("test", in: project.path, seconds: 30)
    #expect(command.status == .exited(1))
    #expect(
      command.output.contains("start from each other in a cycle: high → low → high"),
      "\(command.text)"
    )
    // Nobody waits for what only looks, either.
    let list = try Command("fixture", "list", in: project.path, seconds: 30)
    #expect(list.status == .exited(0), "\(list.text)")
  }

  @Test("of two processes that wait for each other's: both say so, at once") func circleOfProcesses() throws {
    func fixture(_ mine: String, _ other: String) -> String {
      "io.open('\(mine)', 'w'):close() while not io.open('\(other)') do end provium.fixture('\(other)')\n"
    }
    let project = try Project(withCache: [
      "tests/fixtures/left.lua": fixture("left", "right"),
      "tests/fixtures/right.lua": fixture("right", "left"),
      "tests/a.lua": "provium.fixture('left')\n", "tests/b.lua": "provium.fixture('right')\n",
    ])
    let said = try project.shell(
      """
      "\(Command.binary)" test tests/a.lua > first 2>&1 & first=$!
      "\(Command.binary)" test tests/b.lua > second 2>&1 & second=$!
      wait $first || true; wait $second || true
      cat first second
      """,
      seconds: 30
    )
    #expect(
      said.contains(/start from each other in a cycle: (left → right → left|right → left → right)/),
      "\(said)"
    )
  }

  @Test("resolve names from their own folder, whoever asks") func ownNames() throws {
    let project = try Project(
      withCache: [
        "tests/fixtures/base.lua": Self.boot + "vm:write_file('/which', 'outer')\n",
        "tests/fixtures/child.lua": "provium.fixture('base')\n",
        "tests/net/fixtures/base.lua": Self.boot + "vm:write_file('/which', 'inner')\n",
        "tests/net/a.lua": "assert_eq('outer', provium.fixture('child'):read_file('/which'))\n",
      ],
      settings: "spares = 0"
    )
    #expect(try Command("test", in: project.path).status == .exited(0))
    let again = try Command("test", "--json", "events", in: project.path)
    #expect(again.status == .exited(0), "\(again.text)")
    #expect(!(try Files.readText("\(project.path)/events").contains("building the fixture")))
    // From the project's folder, the inner one is reached by its path.
    let why = try Command("fixture", "why", "tests/net/fixtures/base.lua", in: project.path)
    #expect(why.output == "tests/net/fixtures/base.lua would be built: it was never built\n", "\(why.text)")
    #expect(try Command("fixture", "build", "tests/net/fixtures/base", in: project.path).status == .exited(0))
    #expect(
      try Command("fixture", "why", "tests/net/fixtures/base", in: project.path).output
        == "tests/net/fixtures/base is current\n"
    )
  }

  @Test("have no sub-tests: who writes one is told") func noSubTests() throws {
    let project = try Project(withCache: [
      "tests/fixtures/tested.lua": Self.boot + "test('it works', function() assert_eq(1, 2) end)\n",
      "tests/a.lua": "provium.fixture('tested')\n",
    ])
    let command = try Command("test", in: project.path)
    #expect(command.status == .exited(1))
    #expect(
      command.output.contains(
        "tests/fixtures/tested.lua:2: test: a fixture's script cannot define sub-tests"
      ),
      "\(command.text)"
    )
  }

  @Test(
    "that failed by an infrastructure error are built again by another attempt; those whose script failed are not"
  )
  func retries() throws {
    let count = "local f = io.open('builds', 'a') f:write('x') f:close()\n"
    let once = "if not io.open('died') then io.open('died', 'w'):close() vm:kill() vm:exec('true') end\n"
    let project = try Project(
      withCache: [
        "tests/fixtures/faulty.lua": Self.boot + once, "tests/a.lua": "provium.fixture('faulty')\n",
        "tests/fixtures/wrong.lua": count + "error('of the script')\n",
        "tests/b.lua": "provium.fixture('wrong')\n",
      ],
      settings: "spares = 0"
    )
    let command = try Command("test", "-p", "1", "--retries", "1", in: project.path)
    #expect(command.output.contains("1 file passed, 1 failed"), "\(command.text)")
    #expect(command.output.contains("wrong.lua:2: of the script"), "\(command.text)")
    #expect(try Files.readText("\(project.path)/builds") == "x")
  }

  @Test("of which QEMU never makes a machine are built again once in a run, not once for each file")
  func useless()
    throws
  {
    let count = "local f = io.open('builds', 'a') f:write('x') f:close()\n"
    let use = "provium.fixture('small')\n"
    let project = try Project(
      withCache: [
        "qemu": """
        #!/bin/sh
        case "$*" in *-incoming*) echo spoilt >&2; exit 1 ;; esac
        exec qemu-system-x86_64 "$@"
        """, "tests/fixtures/small.lua": count + Self.boot, "tests/a.lua": use, "tests/b.lua": use,
        "tests/c.lua": use,
      ],
      settings: "spares = 0"
    )
    try project.shell("chmod +x qemu")
    let command = try Command(
      "test",
      "-p",
      "1",
      in: project.path,
      environment: ["PROVIUM_QEMU": "\(project.path)/qemu"]
    )
    #expect(command.output.contains("0 files passed, 3 failed"), "\(command.text)")
    #expect(
      command.output.contains("fixture 'small' was built again in this run, and still"),
      "\(command.text)"
    )
    #expect(try Files.readText("\(project.path)/builds") == "xx")
  }

  @Test("take from qcow2 images what those take from others, and are built again when that changes")
  func backing()
    throws
  {
    let project = try Project(
      withCache: [
        "tests/fixtures/disk.lua":
          "provium.create():boot{ memory = '128M', disks = { { path = 'images/top', format = 'qcow2' } } }\n",
        "tests/a.lua": """
        local vm = provium.fixture("disk")
        assert_eq("base", vm:exec("head -c 4 /dev/vda").stdout)
        """,
      ],
      settings: "spares = 0"
    )
    // An image of one cluster table that takes all of its 64 KiB from `base`, beside it.
    try project.shell(
      """
      mkdir images; head -c 65536 /dev/zero > images/base; printf base | dd of=images/base conv=notrunc 2> /dev/null
      {
        printf 'QFI\\373\\0\\0\\0\\2\\0\\0\\0\\0\\0\\0\\0\\110\\0\\0\\0\\4\\0\\0\\0\\20\\0\\0\\0\\0\\0\\1\\0\\0'
        printf '\\0\\0\\0\\0\\0\\0\\0\\1\\0\\0\\0\\0\\0\\1\\0\\0'
        printf '\\0\\0\\0\\0\\0\\2\\0\\0\\0\\0\\0\\1\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0'
        printf base
      } > images/top
      truncate -s 65536 images/top                                     # then the table of level 1, empty
      truncate -s 131072 images/top
      printf '\\0\\0\\0\\0\\0\\3\\0\\0' >> images/top  # the table of reference counts
      truncate -s 196608 images/top
      for _ in 1 2 3 4; do printf '\\0\\1'; done >> images/top
      truncate -s 262144 images/top
      """
    )
    let first = try Command("test", in: project.path)
    #expect(first.status == .exited(0), "\(first.text)")
    #expect(try Command("fixture", "why", "disk", in: project.path).output == "disk is current\n")
    try project.shell("printf ESAB | dd of=images/base conv=notrunc 2> /dev/null")
    let why = try Command("fixture", "why", "disk", in: project.path)
    #expect(
      why.output == "disk would be built: the backing file of a disk (images/base) changed\n",
      "\(why.text)"
    )
  }

  @Test("remember all that their machines were made from: of every boot, also of one that failed")
  func everyBoot() throws {
    let project = try Project(
      withCache: [
        "one": "1", "two": "2", "three": "3", "lib/h.lua": "return 1\n",
        "tests/fixtures/many.lua": """
        require("lib.h")
        local vm = provium.create()
        vm:boot{ memory = "128M", files = { ["/one"] = "one" } }
        vm:shutdown()
        vm:boot{ memory = "128M", files = { ["/two"] = "two" } }
        pcall(function()
          provium.create():boot{ memory = "128M", files = { ["/three"] = "three" }, boot_timeout = "1ms" }
        end)
        provium.create():boot{ memory = "128M" }
        """,
      ],
      settings: "spares = 0"
    )
    let build = try Command("fixture", "build", "many", in: project.path)
    #expect(build.status == .exited(0), "\(build.text)")
    func why() throws -> String { try Command("fixture", "why", "many", in: project.path).output }
    for name in ["one", "two", "three"] {
      try project.shell("cp -p \(name) kept; echo changed > \(name)")
      #expect(try why() == "many would be built: the injected file /\(name) (\(name)) changed\n")
      try project.shell("mv kept \(name)")
    }
    #expect(try why() == "many is current\n")
    try project.shell("mkdir -p tests/lib; cp lib/h.lua tests/lib/")
    #expect(try why() == "many would be built: tests/lib/h.lua is there now, and is loaded first\n")
  }
}
