-- Guests that misuse the connection of their shares, and folders that go away: the host and the VM's other functions go on.

local folder = os.tmpname()
assert(os.execute("rm " .. folder .. " && mkdir -p " .. folder .. "/sub && cd " .. folder
    .. " && seq 1 400000 > numbers && echo text > sub/file && touch -d 2020-01-01 numbers sub/file"))

local function host(command)
    local pipe <close> = assert(io.popen(command))
    return (pipe:read("a"):gsub("%s+$", ""))
end

local function run(vm, command)
    local result = vm:exec(command)
    assert(result.ok, command .. "\n" .. result.stdout.value .. result.stderr.value)
    return result.stdout.trim()
end

-- The process of the guest that has /dev/fuse open, and carries its messages.
local function share_process(vm)
    local found = run(vm, "for p in /proc/[0-9]*; do for f in $p/fd/*; do "
        .. "[ \"$(stat -L -c %t:%T $f 2>/dev/null)\" = a:e5 ] && echo ${p#/proc/}; done; done | sort -un")
    assert_match(found, "^%d+$", "one process has /dev/fuse open")
    return found
end

-- Everything of the VM that does not need the share.
local function works(vm)
    vm:write_file("/tmp/works", "works")
    assert_eq("works", vm:exec("cat /tmp/works").stdout.value)
    local job = vm:background("echo job")
    assert_eq("job\n", vm:job_wait(job, 30).stdout.value)
end

test("garbage on the port of the shares ends the shares, and nothing else", function()
    local vm = provium.create():boot{share = {["/src"] = folder}}
    local port = vm:exec("cd /sys/class/virtio-ports && grep -l org.provium.share */name | cut -d/ -f1").stdout.trim()
    if port == "" then skip("the shares of this host's guests have no port of virtio-serial") end
    assert_eq("text", run(vm, "cat /src/sub/file"))
    run(vm, "kill -9 " .. share_process(vm))
    vm:wait_until(function() return not vm:exec("ls /src").ok end)
    -- The host may have closed its end already.
    vm:exec("for i in 1 2 3 4; do head -c 300000 /dev/urandom | timeout 5 dd of=/dev/" .. port .. " bs=4k 2>/dev/null; done")
    works(vm)
    assert(not vm:exec("cat /src/numbers > /dev/null").ok)
    vm:restore(vm:snapshot())
    works(vm)
    vm:kill()
end)

test("a guest that reads no replies waits alone, and gets them later", function()
    local vm = provium.create():boot{share = {["/src"] = folder}}
    local process = share_process(vm)
    run(vm, "kill -STOP " .. process)
    local readers = {}
    for number = 1, 8 do
        readers[number] = vm:background("tail -c +" .. number * 1000 .. " /src/numbers | sha256sum")
    end
    works(vm)
    run(vm, "kill -CONT " .. process)
    for number, job in ipairs(readers) do
        assert_eq(host("tail -c +" .. number * 1000 .. " " .. folder .. "/numbers | sha256sum"), vm:job_wait(job, 60).stdout.trim())
    end
    vm:kill()
end)

test("a folder that is removed under a guest gives an error that names its file, and the rest goes on", function()
    local vm = provium.create():boot{share = {["/src"] = folder}}
    run(vm, "exec 3< /src/sub/file; (while [ ! -e /tmp/go ]; do sleep 0.01; done; cat <&3; echo $? > /tmp/done) >/dev/null 2>&1 &")
    host("rm -r " .. folder .. "/sub")
    assert_error(function()
        vm:exec("touch /tmp/go; while [ ! -e /tmp/done ]; do sleep 0.01; done")
        vm:exec("true")
    end, "sub/file")
    assert_eq("1", run(vm, "cat /tmp/done"))
    vm:wait_until(function() return not vm:exec("ls /src/sub").ok end)
    assert_eq(host("sha256sum < " .. folder .. "/numbers"), run(vm, "sha256sum < /src/numbers"))
    works(vm)
    host("rm -r " .. folder)
    vm:wait_until(function() return vm:exec("ls -A /src").stdout.value == "" end)
    works(vm)
end)

os.execute("rm -rf " .. folder)
