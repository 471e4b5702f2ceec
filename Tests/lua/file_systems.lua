-- Faults of a disk as the file systems of a stock kernel report them. disks.lua has ext4, whose module the small userland has;
-- the modules of xfs and btrfs come from the folder of the guest's kernel on the host.

local function host(command)
    local pipe <close> = assert(io.popen(command))
    return (pipe:read("a"):gsub("%s+$", ""))
end

local function run(vm, command)
    local result = vm:exec(command)
    assert(result.ok, command .. "\n" .. result.stdout.value .. result.stderr.value)
    return result.stdout.trim()
end

-- The folder with the modules of a kernel on the host, or nil.
local function module_folder(release)
    local cache = "${XDG_CACHE_HOME:-$HOME/.cache}/provium/kernels"
    local found = host("find \"" .. cache .. "\" /lib/modules -type d -path '*/modules/" .. release .. "' 2>/dev/null | head -n 1")
    return found ~= "" and found or nil
end

-- Loads a module and those that it names: the guest's depmod has not run.
local function load(vm, folder, name, loaded)
    if loaded[name] then return end
    loaded[name] = true
    local pattern = name:gsub("_", "[-_]")
    local file = host("cd '" .. folder .. "' && find kernel -name '" .. pattern .. ".ko' | head -n 1")
    if file == "" then return end
    for depends in host("grep -aoE '(depends|softdep)=[^[:cntrl:]]*' '" .. folder .. "/" .. file .. "'"):gmatch("=([^\n]*)") do
        -- Of the soft ones only names of files count: the kernel asks for ciphers by their alias when it needs them.
        for needed in depends:gsub("^pre:", ""):gmatch("[%w_-]+") do load(vm, folder, needed:gsub("-", "_"), loaded) end
    end
    vm:exec("insmod /modules/" .. file)
end

local images = {}

-- A VM with a fresh file system on its disk "data", mounted at /m.
local function machine(kind, size)
    if os.execute("PATH=$PATH:/sbin:/usr/sbin command -v mkfs." .. kind .. " >/dev/null") ~= true then
        skip("the host has no mkfs." .. kind)
    end
    local image = os.tmpname()
    images[#images + 1] = image
    assert(os.execute("truncate -s " .. size .. " " .. image .. " && PATH=$PATH:/sbin:/usr/sbin mkfs." .. kind .. " -q " .. image .. " 2>/dev/null"))
    local vm = provium.create():boot{disks = {{id = "data", path = image}}}
    local folder = module_folder(run(vm, "uname -r"))
    if not folder then skip("the modules of the guest's kernel are not on the host") end
    vm:share(folder, "/modules")
    -- Ciphers that btrfs asks for by an alias.
    for _, name in ipairs{"crc32c_generic", "xxhash_generic", "blake2b_generic", kind} do load(vm, folder, name, {}) end
    if not vm:exec("grep -qw " .. kind .. " /proc/filesystems").ok then skip("the guest's kernel has no " .. kind) end
    run(vm, "mkdir -p /m && mount -t " .. kind .. " /dev/vda /m")
    return vm, vm:disk("data")
end

local function write_durably(vm, path, data)
    local flags = provium.sys.O_WRONLY | provium.sys.O_CREAT
    local fd = vm:syscall_buf("openat", 1, path .. "\0", provium.sys.AT_FDCWD, 0, flags, 420)
    if fd < 0 then return fd end
    local written = vm:syscall_buf("write", 1, data, fd, 0, #data)
    local synced = vm:syscall("fsync", fd)
    vm:syscall("close", fd)
    return written < 0 and written or synced
end

local function make(vm, path)
    local fd = vm:syscall_buf("openat", 1, path .. "\0", provium.sys.AT_FDCWD, 0, provium.sys.O_WRONLY | provium.sys.O_CREAT, 420)
    if fd >= 0 then vm:syscall("close", fd) end
    return fd
end

local EIO <const>, EROFS <const> = provium.errno.EIO, provium.errno.EROFS
local data <const> = ("x"):rep(8192)

test("xfs shuts down when its log cannot be written, and what was synced is there after the next mount", function()
    local vm, disk = machine("xfs", "300M")
    assert_eq(write_durably(vm, "/m/kept", data), 0)
    disk:fault{on = "write", errno = "EIO"}
    assert_eq(write_durably(vm, "/m/lost", data), -EIO)
    vm:wait_until(function() return make(vm, "/m/another") == -EIO end)
    assert_match(vm:dmesg(), "XFS %(vda%).*[Ss]hut.*down")
    disk:clear()
    assert_eq(make(vm, "/m/another"), -EIO, "it stays down without the fault")
    run(vm, "umount /m && mount -t xfs /dev/vda /m")
    assert_eq(run(vm, "wc -c < /m/kept"), "8192")
    assert_eq(write_durably(vm, "/m/new", data), 0)
    run(vm, "umount /m")
end)

test("btrfs becomes read-only when a transaction cannot be written, and what was synced is there after the next mount", function()
    local vm, disk = machine("btrfs", "160M")
    assert_eq(write_durably(vm, "/m/kept", data), 0)
    disk:fault{on = "write", errno = "EIO"}
    assert_eq(write_durably(vm, "/m/lost", data), -EIO)
    vm:exec("sync")
    vm:wait_until(function() return vm:exec("grep -q ' /m btrfs ro,' /proc/mounts").ok end)
    -- EIO where the name must be looked up in a block that could not be written.
    local made = make(vm, "/m/another")
    assert(made == -EROFS or made == -EIO, "a file was made: " .. made)
    local log = vm:dmesg()
    assert_match(log, "bdev /dev/vda errs: wr [1-9]")
    assert_match(log, "BTRFS: error .* errno=%-5 IO failure")
    disk:clear()
    run(vm, "umount /m && mount -t btrfs /dev/vda /m")
    assert_eq(run(vm, "wc -c < /m/kept"), "8192")
    assert_eq(write_durably(vm, "/m/new", data), 0)
    run(vm, "umount /m")
end)

test("btrfs finds damage of a file by its checksum, which xfs has for its metadata alone", function()
    for _, kind in ipairs{"btrfs", "xfs"} do
        local vm, disk = machine(kind, "300M")
        local marked = ("provium!"):rep(8192)
        assert_eq(write_durably(vm, "/m/file", marked), 0)
        run(vm, "umount /m")
        -- The place of the file on the disk.
        local place
        for at = 0, 300 << 20, 1 << 20 do
            if at >= disk:stats().size then break end
            local found = disk:read(at, math.min(1 << 20, disk:stats().size - at)):find(marked:sub(1, 4096), 1, true)
            if found then place = at + found - 1 break end
        end
        disk:corrupt(assert(place, "the file is not on the disk") // 512, 1)
        run(vm, "mount -t " .. kind .. " /dev/vda /m")
        local result = vm:exec("cat /m/file | sha256sum")
        local read = vm:exec("cat /m/file > /dev/null")
        if kind == "btrfs" then
            assert(not read.ok)
            assert_contains(read.stderr.value, "Input/output error")
            assert_match(vm:dmesg(), "csum failed")
        else
            assert(read.ok, "xfs has no checksums of data")
            assert_ne(result.stdout.value, host("yes provium! | head -n 8192 | tr -d '\\n' | sha256sum") .. "\n")
        end
    end
end)

for _, image in ipairs(images) do os.remove(image) end
