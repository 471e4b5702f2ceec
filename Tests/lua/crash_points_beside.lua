-- Crash points that are checked in two VMs at once.

-- The file has room for two VMs, whatever other files run.
provium.claim{memory = "1G", cpus = 2}

local vm = provium.create():boot{disks = {{id = "data", size = "1M"}}}
local disk = vm:disk("data")

local function run(vm, command)
    local result = vm:exec(command)
    assert(result.ok, command .. "\n" .. result.stdout.value .. result.stderr.value)
    return result.stdout.trim()
end

-- Six flushed blocks of 4 KiB: block n is full of the digit n.
local function write_blocks()
    for n = 1, 6 do
        run(vm, "yes " .. n .. " | tr -d '\\n' | head -c 4096 | dd of=/dev/vda bs=4k seek=" .. n
            .. " conv=notrunc,fsync iflag=fullblock 2>/dev/null")
        disk:mark(tostring(n))
    end
end

local function explore(check, options)
    options = options or {}
    return provium.crash_points{
        machine = vm, disk = "data", torn = false, run = write_blocks, check = check,
        at_once = options.at_once or 2, fresh = options.fresh,
    }
end

test("two checks run at once, each with the disk of its own state", function()
    local running, most, ids = 0, 0, {}
    local result = explore(function(own, point)
        running = running + 1
        most = math.max(most, running)
        local count = #point.marks
        if count > 0 then
            -- The guest, and the script's own handles of the VM and of its disk, see the state of this check.
            assert_eq(run(vm, "dd if=/dev/vda bs=4k skip=" .. count .. " count=1 2>/dev/null | head -c 1"), tostring(count))
            assert_eq(disk:read(count * 4096, 1), tostring(count))
            assert(disk:read((count + 2) * 4096, 1) == "\0", "a state has what was written after it")
        end
        run(own, "sleep 0.05")
        ids[#ids + 1] = point.id
        running = running - 1
    end)
    assert_eq(result.failed, 0)
    assert_eq(most, 2)
    assert_eq(#ids, result.states)
end)

test("a check that fails is repeated in a VM that is resumed for it", function()
    local seen, repeated = {}, 0
    local result = explore(function(vm, point)
        local used = vm:exec("test -e /used; code=$?; touch /used; exit $code").ok
        if not seen[point.id] then
            seen[point.id] = true
            error("the first time")
        end
        assert(not used, "the VM was used before")
        repeated = repeated + 1
    end)
    assert_eq(result.failed, 0)
    assert_eq(repeated, result.states)
    assert(not vm:exec("test -e /used").ok, "the VM is not as it was before run")
end)

test("with fresh, each check has a VM that no other check has used", function()
    local result = explore(function(vm)
        assert(not vm:exec("test -e /used").ok)
        run(vm, "touch /used")
    end, {fresh = true})
    assert_eq(result.failed, 0)
end)

test("a VM that dies in a check is replaced", function()
    local seen = {}
    local result = explore(function(vm, point)
        if not seen[point.id] then
            seen[point.id] = true
            vm:kill()
        end
        run(vm, "true")
    end)
    assert_eq(result.failed, 0)
    run(vm, "true")
end)

test("checks that use another VM are repeated one after the other", function()
    local calls = 0
    local other = vm:spawn()
    local result = explore(function(vm)
        calls = calls + 1
        assert_eq(other:exec("echo here").stdout.trim(), "here")
        run(vm, "true")
    end)
    other:kill()
    assert_eq(result.failed, 0)
    assert(calls >= result.states)
end)

test("a skip in a check skips its state alone", function()
    local skipped = 0
    local result = explore(function(vm, point)
        run(vm, "true")
        if #point.marks == 3 then
            skipped = skipped + 1
            skip("three marks")
        end
    end)
    assert(skipped > 0)
    assert(result.states > skipped / 2)
end)

test("the states and their order do not depend on the number of VMs", function()
    local function names(at_once)
        local names = {}
        explore(function(_, point) names[#names + 1] = point.id end, {at_once = at_once})
        table.sort(names)
        return table.concat(names, " ")
    end
    assert_eq(names(2), names(1))
end)
