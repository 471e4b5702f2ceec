-- Operations that block, and what becomes of the machine.
local vm = provium.create():boot()

test("descriptors persist from call to call", function()
  local fd = vm:syscall_buf("openat", 1, "/proc/version\0", provium.sys.AT_FDCWD, 0, 0)
  local n, data = vm:syscall_buf("read", 1, (" "):rep(5), fd, 0, 5)
  assert_eq(5, n)
  assert_eq("Linux", data)
  vm:syscall("close", fd)
end)

test("a panic is an error at once, with the console", function()
  local doomed = provium.create():boot()
  doomed:expect_splat("sysrq triggered crash", function()
    assert_error(function()
      doomed:exec("echo 1 > /proc/sys/kernel/sysrq; echo c > /proc/sysrq-trigger; sleep 100")
    end, "panic")
  end)
  assert_eq("dead", doomed:state())
  assert_error(function() doomed:exec("true") end, "dead")
end)

for what, lose in pairs({
  ["is killed with everything else"] = function(machine) machine:exec("kill -9 -1") end,
  ["loses its descriptors"] = function(machine)
    machine:syscall("close_range", 3, 0xffffffff, 0)
    machine:exec("true")
  end,
  ["is killed by a command that says worker"] = function(machine)
    machine:exec("kill -9 " .. machine:syscall("getpid") .. " # worker")
  end,
}) do
  test("an agent that " .. what .. " is missed at once, not at a time limit", function()
    local doomed = provium.create():boot()
    local begin = os.time()
    local error = assert_error(function() lose(doomed) end, "agent")
    assert_contains(tostring(error), "the console's last lines:")
    assert(os.time() - begin < 20, "it took " .. os.time() - begin .. " s")
    assert_eq("dead", doomed:state())
  end)
end
