import Glibc
import ProviumSystem
import Testing

@Suite(
  "Machines of one fixture",
  .enabled(if: noMachines == nil, Comment(rawValue: noMachines ?? "")),
  .serialized
)
struct FixtureIsolationTests {
  /// Every file of every build, by its contents.
  private func sums(_ project: Project) throws -> String {
    try project.shell("shopt -s nullglob; sha256sum cache/fixtures/*/*/* *.img")
  }

  @Test("share nothing that they write: memory, files, disks; and the fixture's own files stay what they are")
  func isolation() throws {
    let project = try Project(
      withCache: [
        "tests/fixtures/disk.lua": """
        local vm = provium.create():boot{
          memory = "128M", disks = { "disk.img", { path = "other.img", snapshot = true } },
        }
        vm:exec("mkdir -p /dev/shm /mnt/ram; mount -t tmpfs none /dev/shm; mount -t tmpfs none /mnt/ram")
        vm:exec("printf fixture | dd of=/dev/vda bs=512 seek=9 conv=notrunc; printf dropped | dd of=/dev/vdb; sync")
        """,
        "tests/a.lua": #"""
        local function sector(vm, disk, n)
          vm:exec("sync; echo 3 > /proc/sys/vm/drop_caches")
          return vm:exec(("dd if=/dev/%s bs=512 skip=%d count=1 | head -c 7"):format(disk, n)).stdout.value
        end
        local function write(vm, text)
          for _, folder in ipairs{ "/dev/shm", "/mnt/ram" } do
            vm:exec("mkdir -p " .. folder)
            vm:exec(("yes '%s' | head -n 200000 > %s/data"):format(text, folder))
          end
          vm:exec(("printf %s | dd of=/dev/vda bs=512 seek=9 conv=notrunc; sync"):format(text))
        end
        local function sums(vm) return vm:exec("sha256sum /dev/shm/data /mnt/ram/data").stdout.value end

        test("two at once see nothing of each other", function()
          local one, two = provium.fixture("disk"), provium.fixture("disk")
          write(one, "of--one")
          assert_eq("fixture", sector(two, "vda", 9))
          assert_error(function() two:read_file("/dev/shm/data") end, "ENOENT")
          write(two, "of--two")
          assert_eq(("of--one\n"):rep(200000), one:read_file("/dev/shm/data"))
          assert_eq(("of--two\n"):rep(200000), two:read_file("/mnt/ram/data"))
          assert_eq("of--one", sector(one, "vda", 9))
          assert_eq("of--two", sector(two, "vda", 9))
          assert_ne(sums(one), sums(two))
          local third = provium.fixture("disk")
          assert_eq("fixture", sector(third, "vda", 9))
          -- The fixture has its own writes, also if the disk's image does not.
          assert_eq("dropped", sector(third, "vdb", 0))
          local function random(vm) return vm:exec("head -c 32 /dev/urandom | sha256sum").stdout.value end
          assert_ne(random(two), random(third))
        end)

        test("a snapshot by hand keeps what was written to a disk", function()
          local vm = provium.fixture("disk")
          write(vm, "earlier")
          local s = vm:snapshot()
          write(vm, "and now")
          vm:restore(s)
          assert_eq("earlier", sector(vm, "vda", 9))
          assert_eq("dropped", sector(vm, "vdb", 0))
        end)

        test("each snapshot has the disks of its own moment", function()
          local vm = provium.create():boot{ memory = "128M", disks = { "own.raw" } }
          write(vm, "first--")
          local first = vm:snapshot()
          write(vm, "second-")
          local second = vm:snapshot()
          write(vm, "third--")
          for _ = 1, 2 do
            vm:restore(first)
            assert_eq("first--", sector(vm, "vda", 9))
            vm:restore(second)
            assert_eq("second-", sector(vm, "vda", 9))
          end
        end)
        """#,
      ],
      settings: "spares = 0"
    )
    try project.shell("truncate -s 1M disk.img own.raw; head -c 1M /dev/zero | tr '\\\\0' x > other.img")
    let images = try project.shell("sha256sum *.img")
    #expect(try Command("fixture", "build", "disk", in: project.path).status == .exited(0))
    let before = try sums(project)
    #expect(before.hasSuffix(images), "the user's images were written to")
    let command = try Command("test", in: project.path)
    #expect(command.status == .exited(0), "\(command.text)")
    #expect(try sums(project) == before)
  }

  @Test(
    "find everything as it was left, three fixtures deep; each of them takes no room for memory that is zero"
  )
  func depth() throws {
    func next(_ base: String, _ name: String) -> String {
      "local vm = provium.fixture('\(base)')\nvm:write_file('/tmp/\(name)', '\(name)')\n"
    }
    let project = try Project(
      withCache: [
        "injected": "from the host\n",
        "tests/fixtures/one.lua": """
        local vm = provium.create():boot{ memory = "256M", files = { ["/etc/injected"] = "injected" } }
        vm:write_file("/tmp/one", "one")
        vm:background("while :; do date +%s%N > /tmp/tick; sleep 0.05; done")
        vm:wait_until(function() return vm:exec("test -e /tmp/tick").ok end)
        -- The first free descriptor, and its offset.
        vm:syscall_buf("openat", 1, "/etc/injected\\0", provium.sys.AT_FDCWD, 0, 0)
        vm:syscall_buf("read", 1, (" "):rep(5), 3, 0, 5)
        """, "tests/fixtures/two.lua": next("one", "two"), "tests/fixtures/three.lua": next("two", "three"),
        "tests/a.lua": """
        local vm = provium.fixture("three")
        for _, name in ipairs{ "one", "two", "three" } do assert_eq(name, vm:read_file("/tmp/" .. name)) end
        assert_eq("from the host\\n", vm:read_file("/etc/injected"))
        local count, text = vm:syscall_buf("read", 1, (" "):rep(3), 3, 0, 3)
        assert_eq(3, count)
        assert_eq("the", text)
        assert_eq(8, vm:syscall("lseek", 3, 0, provium.sys.SEEK_CUR))
        local function tick() return vm:read_file("/tmp/tick") end
        local before = tick()
        vm:wait_until(function() return tick() ~= before end, { desc = "the background job goes on" })
        local here, there = os.time(), tonumber(vm:exec("date +%s").stdout.trim())
        assert(math.abs(here - there) <= 2, "the clock is " .. (there - here) .. " s off")
        """,
      ],
      settings: "spares = 0"
    )
    let build = try Command("fixture", "build", "three", in: project.path)
    #expect(build.status == .exited(0), "\(build.text)")
    let before = try sums(project)
    // Time passes for the host while the VM is saved.
    usleep(2_500_000)
    let command = try Command("test", in: project.path)
    #expect(command.status == .exited(0), "\(command.text)")
    #expect(try sums(project) == before)
    let memories = try project.shell("stat -c '%s %b' cache/fixtures/{one,two,three}-*/*/memory").split(
      separator: "\n"
    ).map { $0.split(separator: " ").compactMap { UInt64($0) } }
    try #require(memories.count == 3)
    for memory in memories {
      #expect(memory[0] == 256 << 20)
      #expect(memory[1] * 512 < 128 << 20, "\(memory[1] * 512 >> 20) MiB on the disk")
    }
    // A copy of a copy has not grown but by what the machine did meanwhile.
    #expect(memories[2][1] * 512 < memories[0][1] * 512 + 32 << 20)
  }
}
