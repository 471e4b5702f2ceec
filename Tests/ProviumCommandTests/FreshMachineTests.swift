import Foundation
import Glibc
import ProviumSystem
import Testing

extension Project {
  /// Where each machine of a run came from, in order.
  fileprivate func origins(_ events: String = "events") throws -> [String] {
    try Files.readText("\(path)/\(events)").split(separator: "\n").compactMap { line in
      let event = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      return event?["event"] as? String == "machine_started" ? event?["origin"] as? String : nil
    }
  }
}

@Suite(
  "Fresh machines and snapshots",
  .enabled(if: noMachines == nil, Comment(rawValue: noMachines ?? "")),
  .serialized
)
struct FreshMachineTests {
  @Test("each sub-test begins with the file's machines, workers and nothing else") func everything() throws {
    let project = try Project(
      withCache: [
        "tests/a.lua": """
        provium.fresh = true
        local vm = provium.create():boot{ memory = "128M" }
        local idle = provium.create()
        local worker, thread = vm:spawn(), vm:spawn{ thread = true }
        worker:write_file("/tmp/worker", "here")
        local left

        test("one leaves what it can", function()
          vm:write_file("/tmp/dirt", "")
          left = provium.create():boot{ memory = "128M" }
          idle:boot{ memory = "128M" }
          worker:kill()
        end)
        test("another finds none of it", function()
          assert_error(function() vm:read_file("/tmp/dirt") end, "ENOENT")
          assert_eq("dead", left:state())
          assert_eq("created", idle:state())
          assert_eq("here", worker:read_file("/tmp/worker"))
          assert(thread:syscall("gettid") > 1)
          vm:kill()
        end)
        test("also after its machine was killed", function()
          assert_eq("here", worker:read_file("/tmp/worker"))
          assert(thread:syscall("gettid") > 1)
          vm:shutdown()
        end)
        test("or shut down", function()
          assert_eq("here", worker:read_file("/tmp/worker"))
          assert(thread:syscall("gettid") > 1)
        end)
        """
      ],
      settings: "spares = 0"
    )
    let command = try Command("test", in: project.path, seconds: 120)
    #expect(command.status == .exited(0), "\(command.text)")
  }

  @Test("leave nothing of their memory when the file ends, nor in a run that is kept") func leftovers() throws
  {
    let fresh = """
      provium.fresh = true
      local vm = provium.create():boot{ memory = "128M" }
      provium.create():boot{ memory = "128M" }:kill()
      for i = 1, 2 do test("t" .. i, function() vm:syscall(39) end) end
      """
    let project = try Project(
      withCache: [
        "tests/a.lua": fresh,
        "tests/b.lua": """
        local listing = io.popen("ls run/provium-*/run-*/snapshots"):read("a")
        assert_eq("", listing)
        fail("so that the run is kept")
        """, "run/.keep": "",
      ],
      settings: "spares = 1"
    )
    let command = try Command(
      "test",
      "-p",
      "1",
      in: project.path,
      environment: ["TMPDIR": "\(project.path)/run"],
      seconds: 120
    )
    #expect(command.output.contains("so that the run is kept"), "\(command.text)")
    #expect(command.output.contains("1 file passed, 1 failed"), "\(command.text)")
    #expect(try project.shell("ls -d run/provium-*/run-*/snapshots 2> /dev/null || true").isEmpty)
  }

  @Test("a machine that was just resumed from a fixture is not saved once more") func untouched() throws {
    let project = try Project(
      withCache: [
        "tests/fixtures/small.lua": "provium.create():boot{ memory = '128M' }\n",
        "tests/a.lua": """
        provium.fresh = true
        local vm = provium.fixture("small")
        for i = 1, 3 do
          test("t" .. i, function()
            assert_error(function() vm:read_file("/tmp/dirt") end, "ENOENT")
            vm:write_file("/tmp/dirt", "")
          end)
        end
        """,
        "tests/b.lua": """
        provium.fresh = true
        local vm = provium.fixture("small")
        vm:write_file("/tmp/mine", "")
        test("what was done to it is kept", function() vm:read_file("/tmp/mine") end)
        """,
      ],
      settings: "spares = 0"
    )
    let command = try Command("test", "--json", "events", "-p", "1", in: project.path)
    #expect(command.status == .exited(0), "\(command.text)")
    // Its first sub-test needs no other machine; b's machine goes on as another one.
    #expect(
      try project.origins() == ["boot", "fixture small", "restore", "restore", "fixture small", "restore"]
    )
  }

  @Test("warm VMs are made for the snapshots in use, and the events name the VMs that were warm")
  func spares() throws {
    let boot = "provium.create():boot{ memory = '128M' }\n"
    let wait = "for i = 1, 50 do vm:exec('sleep 0.05') end"
    func use(_ name: String) -> String {
      """
      for i = 1, 3 do
        local vm = provium.fixture("\(name)")
        \(wait)
        vm:kill()
      end

      """
    }
    let project = try Project(
      withCache: [
        "tests/fixtures/old.lua": boot, "tests/fixtures/new.lua": boot,
        "tests/a.lua": use("old") + use("new"),
      ],
      settings: "spares = 1"
    )
    let command = try Command("test", "--json", "events", in: project.path, seconds: 180)
    #expect(command.status == .exited(0), "\(command.text)")
    #expect(
      try project.origins() == [
        "boot", "fixture old", "spare old", "spare old", "boot", "fixture new", "spare new", "spare new",
      ]
    )
  }

  @Test(
    "a snapshot for which there is no room says so, and its machine is dead at once",
    .enabled(if: noMounts == nil, Comment(rawValue: noMounts ?? ""))
  )
  func noRoom() throws {
    let project = try Project(
      withCache: [
        "tests/a.lua": """
        local vm = provium.create()
        assert_error(function() vm:snapshot() end, "vm:snapshot: the machine is created")
        vm:boot{ memory = "128M" }
        local message = tostring(assert_error(function() vm:snapshot() end, "could not be saved, and is gone"))
        assert_contains(message, "the disk is full")
        assert_eq("dead", vm:state())
        local begin = os.time()
        assert_error(function() vm:exec("true") end, "is dead")
        assert(os.time() - begin < 3, "a dead machine is waited for")
        vm = provium.create():boot{ memory = "128M" }
        vm:shutdown()
        assert_error(function() vm:snapshot() end, "vm:snapshot: the machine is shutdown")
        """,
        "tests/b.lua": """
        provium.fresh = true
        assert_error(function() provium.create():boot{ memory = "128M" } end, "the disk is full")
        """, "run/.keep": "",
      ],
      settings: "spares = 0"
    )
    try project.shell("mount -t tmpfs -o size=24M none run")
    defer { _ = try? project.shell("umount -l run") }
    let command = try Command(
      "test",
      "-p",
      "1",
      in: project.path,
      environment: ["TMPDIR": "\(project.path)/run"],
      seconds: 120
    )
    #expect(command.status == .exited(0), "\(command.text)")
  }
}
