-- A fixture whose root is the host's tree: the host's compiler runs in it, and in each VM that is resumed from it.

local function host(command)
    local pipe <close> = assert(io.popen(command))
    return (pipe:read("a"):gsub("%s+$", ""))
end

test("the host's gcc compiles a program that runs, in a fixture and in VMs that are resumed from it", function()
    if host("command -v gcc") == "" then skip("the host has no gcc") end
    local plain = provium.create():boot()
    local other = plain:exec("uname -m").stdout.trim() ~= host("uname -m")
    plain:kill()
    if other then skip("the guest cannot run the host's programs") end
    for round = 1, 2 do
        local vm = provium.fixture("host_root")
        local release = vm:exec("uname -r").stdout.trim()
        assert_eq("compiled for " .. release .. "\n", vm:exec("/tmp/host_root").stdout.value)
        -- A file that the guest has not read before, and another program in this VM alone.
        vm:write_file("/tmp/more.c", "#include <math.h>\n#include <stdio.h>\nint main(int n, char **a) "
            .. "{ (void)a; return printf(\"%.3f\\n\", sqrt(n + 1)) != 6; }\n")
        local compiled = vm:exec("test ! -e /tmp/more && gcc -Wall -o /tmp/more /tmp/more.c -lm && /tmp/more", {timeout = 120})
        assert_eq("1.414\n", compiled.stdout.value, compiled.stderr.value)
        assert_eq(host("gcc --version | head -n 1"), vm:exec("gcc --version | head -n 1").stdout.trim())
        vm:kill()
    end
    assert_eq("", host("ls /tmp/host_root 2>/dev/null"))
end)
