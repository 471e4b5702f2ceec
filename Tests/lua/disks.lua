-- Disks that Provium provides: faults, power cuts, snapshots.

local MIB <const> = 1 << 20

-- A machine with a disk "data" of 48 MiB: a resumed one, or, with options, one that is booted.
local function machine(options)
    if not options then
        local vm = provium.fixture("blank_disk")
        return vm, vm:disk("data")
    end
    local disk = {id = "data", size = "48M"}
    for key, value in pairs(options) do disk[key] = value end
    local vm = provium.create():boot{disks = {disk}}
    return vm, vm:disk("data")
end

-- An ext4 made by the host's tools: the small userland has none.
local image = os.tmpname()
local has_ext4 = os.execute("PATH=$PATH:/sbin:/usr/sbin mkfs.ext4 -q -F " .. image .. " 48M >/dev/null 2>&1")

local function ext4_machine()
    if not has_ext4 then skip("the host has no mkfs.ext4") end
    local vm, disk = machine{path = image}
    vm:exec("modprobe ext4")
    assert(vm:exec("mkdir -p /m && mount -t ext4 /dev/vda /m && sync").ok, "mount /dev/vda")
    return vm, disk
end

local function run(vm, command)
    local result = vm:exec(command)
    assert(result.ok, command .. "\n" .. result.stdout.value .. result.stderr.value)
    return result.stdout.trim()
end

-- A file is written and made durable by the agent's own calls: not every userland has `fsync`.
local function write_durably(vm, path, data)
    local fd = vm:syscall_buf("openat", 1, path .. "\0", -100, 0, provium.sys.O_WRONLY | provium.sys.O_CREAT, 420)
    assert(fd >= 0, "open " .. path .. ": " .. fd)
    assert_eq((vm:syscall_buf("write", 1, data, fd, 0, #data)), #data)
    local synced = vm:syscall("fsync", fd)
    vm:syscall("close", fd)
    return synced
end

test("the guest sees a disk with its size and its serial number", function()
    local vm = machine()
    assert_eq(run(vm, "cat /sys/block/vda/size"), tostring(48 * MIB // 512))
    assert_eq(run(vm, "cat /sys/block/vda/serial"), "data")
    assert_eq(run(vm, "cat /sys/block/vda/queue/write_cache"), "write back")
    local bare = machine{cache = "none", sector_size = 4096}
    assert_eq(run(bare, "cat /sys/block/vda/queue/write_cache"), "write through")
    assert_eq(run(bare, "cat /sys/block/vda/queue/logical_block_size"), "4096")
end)

test("a power cut loses what was not flushed, and a file that was synced survives", function()
    local vm, disk = ext4_machine()
    assert_eq(write_durably(vm, "/m/kept", "kept"), 0)
    run(vm, "echo lost > /m/lost")
    -- The guest has it in its own cache, the disk not yet.
    disk:power_cut()
    assert_eq(vm:state(), "shutdown")
    vm:reset()
    vm:exec("modprobe ext4")
    run(vm, "mkdir -p /m; mount -t ext4 /dev/vda /m")
    assert_eq(run(vm, "cat /m/kept"), "kept")
    assert(not vm:exec("test -e /m/lost").ok)
end)

test("a power cut loses writes that the disk has and that no flush followed", function()
    local vm, disk = machine()
    run(vm, "dd if=/dev/zero bs=4k count=1 | tr '\\0' a | dd of=/dev/vda bs=4k oflag=direct 2>/dev/null")
    assert_eq(disk:read(0, 1), "a")
    assert_eq(disk:read(0, 1, {durable = true}), "\0")
    assert(disk:stats().unflushed >= 4096)
    assert_eq(disk:power_cut().lost, 1)
    vm:reset()
    assert_eq(disk:read(0, 1), "\0")
    assert_eq(run(vm, "dd if=/dev/vda bs=1 count=1 2>/dev/null | tr '\\0' z"), "z")
end)

test("neither a snapshot nor a resume makes the disk's cache durable, and a later sync does", function()
    local vm, disk = machine()
    local write = "dd if=/dev/zero bs=4k count=1 | tr '\\0' a | dd of=/dev/vda bs=4k oflag=direct 2>/dev/null"
    run(vm, write)
    local before = vm:snapshot()
    assert_eq(disk:read(0, 1), "a")
    assert_eq(disk:read(0, 1, {durable = true}), "\0")
    assert_eq(disk:power_cut().lost, 1)
    vm:restore(before)
    -- Without a new write: the flush must reach the disk all the same.
    local fd = vm:syscall_buf("openat", 1, "/dev/vda\0", -100, 0, provium.sys.O_WRONLY, 0)
    assert_eq(vm:syscall("fsync", fd), 0)
    assert_eq(disk:read(0, 1, {durable = true}), "a")
    assert_eq(disk:power_cut().lost, 0)
end)

test("a pause makes nothing of the disk's cache durable, and a sync after it does", function()
    local vm, disk = machine()
    run(vm, "dd if=/dev/zero bs=4k count=1 | tr '\\0' a | dd of=/dev/vda bs=4k oflag=direct 2>/dev/null")
    vm:pause()
    assert_eq(disk:read(0, 1, {durable = true}), "\0")
    vm:unpause()
    assert_eq(disk:read(0, 1, {durable = true}), "\0")
    local fd = vm:syscall_buf("openat", 1, "/dev/vda\0", -100, 0, provium.sys.O_WRONLY, 0)
    assert_eq(vm:syscall("fsync", fd), 0)
    assert_eq(disk:read(0, 1, {durable = true}), "a")
end)

test("errors of the disk reach the guest, and the machine goes on", function()
    local vm, disk = machine()
    local function write(sector)
        return vm:exec("dd if=/dev/zero of=/dev/vda bs=4k count=1 oflag=direct seek=" .. sector // 8).ok
    end
    disk:fault{on = "write", sectors = {80, 87}, errno = "EIO"}
    assert(write(72))
    assert(not write(80))
    assert(write(88))
    disk:clear()
    assert(write(80))
    disk:fault{on = "write", errno = "ENOSPC", times = 1}
    assert(not write(0), "ENOSPC must not stop the machine")
    assert(write(0))
    assert_eq(disk:stats().failed, 2)
    disk:read_only()
    assert(not write(0))
    disk:clear()
    disk:full{after = 4096}
    assert(write(0))
    assert(not write(0))
end)

test("a file system sees the error of a failed write at its sync", function()
    local vm, disk = ext4_machine()
    disk:fault{on = "write", errno = "EIO"}
    assert_eq(write_durably(vm, "/m/f", ("x"):rep(4096)), -provium.errno.EIO)
end)

test("a slow disk delays the guest", function()
    local vm, disk = machine()
    disk:slow{latency = "200ms"}
    local result = run(vm, "a=$(cut -d. -f1 /proc/uptime); for i in 1 2 3 4 5 6 7 8 9 10; do "
        .. "dd if=/dev/vda of=/dev/null bs=4k count=1 skip=$i iflag=direct 2>/dev/null; done; "
        .. "b=$(cut -d. -f1 /proc/uptime); echo $((b - a))")
    assert(tonumber(result) >= 2, "ten reads took " .. result .. " s")
end)

test("a write from outside and damage from outside are what the guest reads", function()
    local vm, disk = machine()
    disk:write(4096, ("hello"):rep(1024):sub(1, 4096))
    assert_eq(run(vm, "dd if=/dev/vda bs=4k skip=1 count=1 2>/dev/null | head -c 5"), "hello")
    disk:corrupt(8, 1)
    local bytes = disk:read(4096, 1024)
    assert(bytes:sub(1, 5) ~= "hello")
    assert_eq(bytes:sub(513), ("hello"):rep(1024):sub(513, 1024))
end)

test("machines that are resumed from one state do not see each other's writes", function()
    local vm, disk = machine()
    run(vm, "echo base | dd of=/dev/vda conv=sync,fsync 2>/dev/null")
    local s = vm:snapshot()
    for round = 1, 3 do
        assert_eq(run(vm, "dd if=/dev/vda bs=4 count=1 iflag=fullblock 2>/dev/null"), "base")
        run(vm, "echo over | dd of=/dev/vda conv=sync,fsync 2>/dev/null")
        assert_eq(disk:read(0, 4), "over")
        vm:restore(s)
    end
end)

test("a fixture keeps its disk, and what was volatile in it stays volatile", function()
    local vm = provium.fixture("disk")
    local disk = vm:disk("data")
    assert_eq(disk:read(0, 4), "base")
    assert_eq(disk:read(4096, 4), "late")
    assert_eq(disk:read(4096, 4, {durable = true}), "\0\0\0\0")
    run(vm, "yes mine | head -c 4096 | dd of=/dev/vda bs=4k oflag=direct conv=notrunc iflag=fullblock 2>/dev/null")
    assert_eq(provium.fixture("disk"):disk("data"):read(0, 4), "base")
    -- Its boot had no injected files, so that it can be repeated.
    assert_eq(disk:power_cut().lost, 2)
    vm:reset()
    assert_eq(disk:read(0, 4), "base")
    assert_eq(run(vm, "dd if=/dev/vda bs=4k count=1 2>/dev/null | head -c 4"), "base")
end)

test("an overlay that reaches its limit is an error of the test", function()
    local vm, disk = machine{overlay = "1M"}
    assert_error(function()
        vm:exec("dd if=/dev/zero bs=64k count=64 | tr '\\0' a | dd of=/dev/vda bs=64k oflag=direct iflag=fullblock")
    end, "limit of 1048576 bytes")
end)

test("virtio-scsi passes on what virtio-blk cannot", function()
    local vm, disk = machine{model = "virtio-scsi"}
    disk:fault{on = "write", errno = "ENOSPC"}
    local result = vm:exec("dd if=/dev/zero of=/dev/sda bs=4k count=1 oflag=direct")
    assert(not result.ok)
    assert_contains(result.stderr, "No space left")
end)

test("an NVMe disk works, and is refused in a snapshot by name", function()
    local vm, disk = machine{model = "nvme"}
    run(vm, "echo nvme | dd of=/dev/nvme0n1 conv=sync,fsync 2>/dev/null")
    assert_eq(disk:read(0, 4), "nvme")
    assert_error(function() vm:snapshot() end, "NVMe")
    assert_eq(vm:state(), "booted")
end)

test("a disk gets another size while the guest uses it, and keeps it in a snapshot", function()
    local vm, disk = machine{size = "48M"}
    local function sectors() return tonumber(run(vm, "cat /sys/block/vda/size")) end
    run(vm, "echo begin | dd of=/dev/vda conv=sync,fsync 2>/dev/null")
    disk:resize("64M")
    assert_eq(sectors(), 64 * MIB // 512)
    run(vm, "echo end | dd of=/dev/vda bs=512 seek=" .. 63 * MIB // 512 .. " conv=sync,fsync 2>/dev/null")
    assert_eq(disk:read(63 * MIB, 3), "end")
    vm:restore(vm:snapshot())
    assert_eq(sectors(), 64 * MIB // 512)
    disk:resize("1M")
    assert_eq(sectors(), MIB // 512)
    assert_eq(disk:stats().size, MIB)
    disk:resize("64M")
    assert_eq(disk:read(63 * MIB, 3), "\0\0\0")
    assert_eq(run(vm, "dd if=/dev/vda bs=512 count=1 2>/dev/null | head -c 5"), "begin")
    assert_error(function() disk:resize(0) end, "size of 1 byte")
    assert_error(function() disk:resize(1000) end, "whole sectors")
    disk:power_cut()
    vm:reset()
    assert_eq(sectors(), 64 * MIB // 512)
end)

test("a disk is detached and attached while the guest runs, also by hot-plug of a PCI slot", function()
    for _, case in ipairs{{"virtio-scsi", "sda"}, {"virtio-blk", "vda"}} do
        local vm, disk = machine{model = case[1], removable = true}
        local function is_there()
            return vm:exec("grep -q data /sys/block/" .. case[2] .. "/device/serial /sys/block/" .. case[2]
                .. "/serial 2>/dev/null || test -e /sys/block/" .. case[2]).ok
        end
        run(vm, "echo kept | dd of=/dev/" .. case[2] .. " conv=sync,fsync 2>/dev/null")
        assert(is_there())
        disk:detach()
        vm:wait_until(function() return not is_there() end)
        assert_error(function() vm:snapshot() end, "is detached")
        assert_error(function() disk:detach() end, "detached already")
        disk:attach()
        assert_error(function() disk:attach() end, "attached already")
        vm:wait_until(is_there)
        vm:restore(vm:snapshot())
        assert_eq(run(vm, "dd if=/dev/" .. case[2] .. " bs=512 count=1 2>/dev/null | head -c 4"), "kept")
    end
    local _, disk = machine()
    assert_error(function() disk:detach() end, "removable = true")
end)

test("a USB disk is refused by name where the kernel has no driver", function()
    assert_error(function() provium.create():boot{disks = {{id = "stick", size = "1M", model = "usb"}}} end, "xhci_pci")
end)

test("bad options are refused by name", function()
    local function refused(disks, text)
        assert_error(function() provium.create():boot{disks = disks} end, text)
    end
    refused({{id = "data"}}, "'size' or 'path'")
    refused({{id = "data", size = 0}}, "of a size of 1 byte")
    refused({{id = "data", size = 1000}}, "whole sectors of 512")
    refused({{id = "a b", size = "1M"}}, "letters, digits")
    refused({{id = "a", size = "1M"}, {id = "a", size = "1M"}}, "same id")
    refused({{id = "a", path = "/etc"}}, "a directory")
    refused({{id = "a", path = "/no/such"}}, "image that exists")
    refused({{id = "a", size = "1M"}, "/dev/null"}, "must come before")
    refused({{id = "a", size = "1M", cache = "volatil"}}, "volatile")
    local vm, disk = machine()
    assert_error(function() vm:disk("dat") end, "data")
    assert_error(function() disk:fault{on = "writes"} end, "write")
    assert_error(function() disk:fault{errno = "ENOENT"} end, "EIO")
    assert_error(function() disk:fault{sectors = {0, 1 << 40}} end, "sectors")
    assert_error(function() disk:power_cut{survive = 2} end, "survive")
    assert_error(function() disk:read(48 * MIB, 1) end, "n")
    assert_error(function() disk:write(1, "x") end, "whole sectors")
end)

os.remove(image)
