-- Every state in which a power cut may leave a disk.

local O = provium.sys

local function sync(vm, path)
    local fd = vm:syscall_buf("openat", 1, path .. "\0", -100, 0, O.O_RDONLY, 0)
    assert(fd >= 0, path .. ": " .. fd)
    local result = vm:syscall("fsync", fd)
    vm:syscall("close", fd)
    assert_eq(result, 0)
end

local function run(vm, command)
    local result = vm:exec(command)
    assert(result.ok, command .. "\n" .. result.stdout.value .. result.stderr.value)
    return result.stdout.trim()
end

-- Two copies of a value in two sectors of 4 KiB, without a file system. Returns how many states are wrong.
local function two_copies(flushes)
    local vm = provium.create():boot{disks = {{id = "data", size = "1M"}}}
    local disk = vm:disk("data")
    local function put(copy, value)
        run(vm, "yes " .. value .. " | head -c 4096 | dd of=/dev/vda bs=4k seek=" .. copy
            .. " oflag=direct conv=notrunc iflag=fullblock 2>/dev/null")
        if flushes then sync(vm, "/dev/vda") end
    end
    local wrong = 0
    local result = provium.crash_points{
        machine = vm, disk = "data", reorder = 2,
        run = function()
            for value = 1, 3 do
                put(0, value)
                put(1, value)
                disk:mark("value " .. value)
            end
        end,
        check = function(vm, point)
            local found = 0
            for copy = 0, 1 do
                local bytes = disk:read(copy * 4096, 4096)
                if bytes == bytes:sub(1, 2):rep(2048) then
                    found = math.max(found, tonumber(bytes:sub(1, 1)) or 0)
                end
            end
            local mark = point.marks[#point.marks]
            local wanted = mark and tonumber(mark:match("%d+")) or 0
            if found < wanted then wrong = wrong + 1 end
        end,
    }
    assert(result.states >= 6, result.states .. " states")
    assert_eq(result.failed, 0)
    return wrong
end

test("a writer that flushes after each copy never loses a value", function()
    assert_eq(two_copies(true), 0)
end)

test("a writer that forgets to flush loses values in some states", function()
    assert(two_copies(false) > 0)
end)

-- A file that is replaced by a rename, on ext4 without its own protection for such programs. With sectors of 512 bytes a
-- torn write of the superblock (1 KiB) would be found, which ext4 does not survive.
local image = os.tmpname()
local has_ext4 = os.execute("PATH=$PATH:/sbin:/usr/sbin mkfs.ext4 -q -F -b 4096 " .. image .. " 16M >/dev/null 2>&1")

local function replacement(options)
    local syncs = options.syncs_file
    if not has_ext4 then skip("the host has no mkfs.ext4") end
    local vm = provium.create():boot{disks = {{id = "data", path = image, sector_size = 4096}}}
    local disk = vm:disk("data")
    vm:exec("modprobe ext4; mkdir -p /m")
    local mount = "mount -t ext4 -o noauto_da_alloc" .. (options.mount or "") .. " /dev/vda /m"
    -- Its code is in the guest's caches: every check begins like the first.
    run(vm, mount .. "; umount /m")
    local wrong = 0
    local result = provium.crash_points{
        machine = vm, disk = "data", max = options.max or 60,
        run = function()
            run(vm, mount)
            for round = 1, 3 do
                run(vm, "yes " .. round .. " | head -c 5000 > /m/new")
                if syncs then sync(vm, "/m/new") end
                run(vm, "mv /m/new /m/file")
                if options.syncs_folder then sync(vm, "/m") end
                disk:mark(tostring(round))
            end
            run(vm, "umount /m")
        end,
        check = function(vm, point)
            run(vm, mount)
            local text = vm:exec("cat /m/file").stdout.value
            run(vm, "umount /m")
            local wanted = tonumber(point.marks[#point.marks] or 0)
            local found = #text == 5000 and tonumber(text:sub(1, 1)) or 0
            if found < wanted then wrong = wrong + 1 end
        end,
    }
    assert_eq(result.failed, 0)
    return wrong, result.states
end

test("a program that syncs its new file before the rename never loses the old contents", function()
    local wrong = replacement{syncs_file = true, syncs_folder = true}
    assert_eq(wrong, 0)
end)

test("a program that does not sync its new file loses the contents in some states", function()
    assert(replacement{syncs_folder = true} > 0)
end)

test("a program that does not sync the folder after the rename loses the new name in some states", function()
    assert(replacement{syncs_file = true, max = 30} > 0)
end)

test("ext4 without barriers loses what a program has synced in some states", function()
    assert(replacement{syncs_file = true, syncs_folder = true, mount = ",barrier=0", max = 30} > 0)
end)

-- SQLite of the host on the host's root: a row that was inserted must be there after a power cut.
local function rows(synchronous)
    if not has_ext4 then skip("the host has no mkfs.ext4") end
    if not os.execute("command -v sqlite3 >/dev/null 2>&1") then skip("the host has no sqlite3") end
    local vm = provium.create():boot{root = "/", disks = {{id = "data", path = image, sector_size = 4096}}}
    if vm:exec("uname -m").stdout.trim() ~= io.popen("uname -m"):read("l") then skip("another architecture") end
    local disk = vm:disk("data")
    local mount = "mount -t ext4 /dev/vda /mnt"
    run(vm, "modprobe ext4; mkdir -p /mnt; " .. mount .. " && sqlite3 /mnt/db 'create table t(n);' && sync && umount /mnt")
    local wrong = 0
    local result = provium.crash_points{
        machine = vm, disk = "data", max = 25, torn = false,
        run = function()
            run(vm, mount)
            for n = 1, 3 do
                run(vm, "sqlite3 /mnt/db 'pragma synchronous=" .. synchronous .. "; insert into t values(" .. n .. ");'")
                disk:mark(tostring(n))
            end
            run(vm, "umount /mnt")
        end,
        check = function(vm, point)
            run(vm, mount)
            local count = vm:exec("sqlite3 /mnt/db 'pragma integrity_check; select count(*) from t;'").stdout.value
            run(vm, "umount /mnt")
            if (tonumber(count:match("^ok\n(%d+)")) or -1) < #point.marks then wrong = wrong + 1 end
        end,
    }
    assert_eq(result.failed, 0)
    print(result.states .. " states, " .. result.per_minute .. " a minute")
    return wrong
end

test("SQLite keeps every row with synchronous=EXTRA", function()
    assert_eq(rows("EXTRA"), 0)
end)

test("SQLite loses rows with synchronous=OFF in some states", function()
    assert(rows("OFF") > 0)
end)

os.remove(image)
