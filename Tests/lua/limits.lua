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
  assert_error(function()
    doomed:exec("echo 1 > /proc/sys/kernel/sysrq; echo c > /proc/sysrq-trigger; sleep 100")
  end, "panic")
  assert_eq("dead", doomed:state())
  assert_error(function() doomed:exec("true") end, "dead")
end)
