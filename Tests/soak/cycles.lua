-- Saves and resumes one VM repeatedly, with checks after each cycle. Scripts/soak sets the number of cycles.
local soak = { cycles = tonumber(os.getenv("PROVIUM_SOAK_CYCLES") or "10") }

function soak.run(vm)
  vm:exec("head -c 1048576 /dev/urandom > /tmp/data")
  local sum = vm:exec("sha256sum /tmp/data").stdout
  local fd = vm:syscall_buf("openat", 1, "/tmp/data\0", provium.sys.AT_FDCWD, 0, 0)
  vm:background("while :; do head -c 65536 /dev/zero | sha256sum > /tmp/churn; done")
  local s
  for i = 1, soak.cycles do
    vm:write_file("/tmp/count", tostring(i))
    s = vm:snapshot()
    collectgarbage()
    assert_eq(tostring(i), vm:read_file("/tmp/count"), "cycle " .. i)
    assert_eq(sum, vm:exec("sha256sum /tmp/data").stdout, "cycle " .. i)
    assert_eq(i, vm:syscall("lseek", fd, 1, provium.sys.SEEK_CUR), "cycle " .. i)
    local now = tonumber(vm:exec("date +%s").stdout.trim())
    assert(math.abs(os.time() - now) <= 3, "cycle " .. i .. ": the clock is off by " .. (now - os.time()) .. " s")
  end
end

return soak
